# TS-02: sockets come while the guest runs, up to the maximum and not beyond.
. ./scenario.sh
scenario=TS-02

uses() { echo "$(threads | wc -l) $(files)"; }

# --- the steps --------------------------------------------------------------------------------

beyond() {
	uses >"$tmp/uses"
	over_the_limit 9 8
	check_spec 8 1 1 8
}

still_8() {
	sleep 2
	check_guest 8
	check "the CPUs that the guest may get" 0-7 "$(ask report && value possible)"
	check "threads and files of the VMM" "$(cat "$tmp/uses")" "$(uses)"
}

healthy() { # that a request was refused is told, but is no fault of the VM
	check_healthy Completed
	check_events Started SocketsAdded SocketsAdded HotplugRefused
	guest_log 'BUG:|WARNING:|Oops|stall' # its boot may warn of what an emulated host's CPU lacks
	check "faults in the guest's log since its init runs" "" "$(sed "1,\\#$init_line#d" "$tmp/answer")"
	remark="$remark; the one Warning is the refused request"
}

manifest "sockets: 6, cores: 1, threads: 1, maxSockets: 8" 2Gi
step 1 "create the VM, 6 of 8 sockets, 2 GiB" create
step 2 "start: it gets Ready" is_ready
look
step 3 "guest: nproc and lscpu say 6" check_guest 6
step 4 "patch sockets to 7: the spec says 7" patch_and_spec 7 8
step 5 "guest: 7" check_guest 7
step 6 "patch sockets to 8, the maximum: the spec says 8" patch_and_spec 8 8
step 7 "guest: 8" check_guest 8
step 8 "patch sockets to 9: refused, the spec says 8" beyond
step 9 "guest: still 8 after 2 s" still_8
step 10 "events and conditions show a healthy VM" healthy

# --- the variations ---------------------------------------------------------------------------

other_values() {
	for sockets in 1000000 -1 0; do
		refused_patch sockets $sockets
		check_says "the refusal" "CPU sockets $sockets is " '; ask for 1 to 8'
	done
	check_guest 8
	remark="1000000, -1, 0: still 8"
}

several() {
	is_ready
	patch_sockets 3
	check_spec 3 2 2 3
	check_guest 3 2 2
}

# One after the other as fast as they go, some beyond the limit: each good one holds.
rapid() {
	for sockets in 2 9 1 4 2; do
		patch_cpu sockets $sockets
		[ $sockets -le 3 ] && expected=0 || expected=1
		check "the exit status of sockets to $sockets" "$expected" "$status"
	done
	check_spec 2 2 2 3
	check_guest 2 2 2
}

# At once: one has its way, and so may another after its end; who has to give way is told.
together() {
	requests=
	for sockets in 1 2 3; do
		(
			tmp=$tmp/$sockets
			mkdir "$tmp"
			patch_cpu sockets $sockets
			[ "$status" -eq 0 ] || check_says "the refusal" 'another CPU hotplug is in progress'
			echo "$status" >"$tmp/status"
		) &
		requests="$requests $!"
	done
	for request in $requests; do
		wait "$request"
	done
	look
	sockets=$(got SOCKETS)
	check "the answer to who asked for $sockets" 0 "$(cat "$tmp/$sockets/status")"
	check_spec "$sockets" 2 2 3
	check_guest "$sockets" 2 2
	remark="it has $sockets"
}

variation "other values" other_values
document '"initial": 6, "maximum": 8'
tell poweroff
ended 0 "the guest's poweroff"

rm "$tmp/operations"
manifest "sockets: 1, cores: 2, threads: 2, maxSockets: 3"
create
variation "2 cores of 2 threads, several sockets in one patch" several
variation "rapid sequential patches" rapid
variation "patches at once" together
check_healthy Completed
document '"initial": 1, "maximum": 3, "cores": 2, "threads": 2'
ctl quit
ended 0 quit
echo "$checks checks"
