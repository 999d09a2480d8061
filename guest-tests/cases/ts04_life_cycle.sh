# TS-04: the whole life of a VM, from 2 sockets to the maximum, under stress there, and stopped and
# started at it. Guests of other kinds: not_onlined.sh (no udev rule), device_tree.sh, kexec.sh.
. ./scenario.sh
scenario=TS-04

spec() { # in $tmp/$vm.json
	cat >"$tmp/$vm.json" <<END
{
  "kernel": "vmlinuz",
  "initrd": "initrd.img",
  "append": "console=ttyS0 quiet $calm",
  "memory": "4G",
  "cpus": { "sockets": 2, "cores": 1, "threads": 1, "maxSockets": 8 },
  "qmp": "$vm.sock",
  "serial": "stdio"
}
END
}

start_spec() { # OPTION...
	created=$(milliseconds)
	launch --spec "$tmp/$vm.json" "$@"
	wait_until 30 "the control socket" listens
}

keeper() { # a process of the guest from its start on, without what it has counted
	ask report
	value keeper | sed 's/ ticks=.*//'
}

# --- the steps --------------------------------------------------------------------------------

starts_with_2() {
	check_guest 2
	kept=$(keeper)
	run_tasks 1
	check "CPUs of a task" "1 1" "$(xargs <"$tmp/answer")"
	alone_ms=$took
	remark="$remark; a long-lived process: $kept"
}

guest_has() { # SOCKETS
	check_guest "$1"
	check "the long-lived process" "$kept" "$(keeper)"
	check "CPUs that status calls online" "$1" "$(steady_status | grep -c ' online ')"
	remark="$remark; from the request to the guest $(tail -n 1 "$tmp/operations" |
		sed 's/.*"online": \([0-9.]*\).*/\1/') ms"
}

beyond() {
	over_the_limit 9 8
	check_spec 8 1 1 8
	refusal=$remark
}

# A task on each CPU, which says at its end where it was allowed to run, and where it ran.
bound_tasks() { # CPU...: on one line
	tr '\n\t' '  ' <<END
for c in $*; do
	taskset -c \$c sh -c '
		i=0;
		while [ \$i -lt 10000 ]; do i=\$((i + 1)); done;
		echo \$(sed -n s/^Cpus_allowed_list.//p /proc/\$\$/status) \$(cut -d " " -f 39 /proc/\$\$/stat)' &
done;
wait
END
}

run_tasks() { # CPU...: sets took, in ms
	asked=$(milliseconds)
	ask "sh $(bound_tasks "$@")"
	took=$(($(milliseconds) - asked))
}

stress() {
	run_tasks 0 1 2 3 4 5 6 7
	check "CPUs of the tasks that ran to their end" "0 0 1 1 2 2 3 3 4 4 5 5 6 6 7 7" \
		"$(sort "$tmp/answer" | xargs)"
	check_online 8
	check "the long-lived process" "$kept" "$(keeper)"
	stress_ms=$took
	run_tasks 1
	later_ms=$took
	remark="8 tasks took $stress_ms ms; one alone $alone_ms ms with 2 CPUs, $later_ms ms with 8"
}

story() {
	check_healthy Completed
	check_events Started SocketsAdded SocketsAdded SocketsAdded HotplugRefused
	check_says "the story" 'the VM runs with 2 of 8 sockets' 'sockets 2 to 4' 'sockets 4 to 6' \
		'sockets 6 to 8' 'CPU sockets 9 is greater than the maximum'
}

cost() {
	./hotsocketctl -s "$vm.sock" metrics | sed "s/{vm=\"$vm\"}//; s/vm=\"$vm\",//" >"$tmp/metrics"
	check "sockets, of, vCPUs online" "8 8 8" \
		"$(metric sockets) $(metric max_sockets) $(metric 'vcpus{state="online"}')"
	check "adds that were done" 3 \
		"$(metric 'hotplug_operations_total{operation="add",outcome="done"}')"
	check "refusals" 1 "$(metric 'hotplug_refusals_total{reason="limit"}')"
	check "vCPUs that have taken time" 8 \
		"$(grep '^hotsocket_vcpu_seconds_total' "$tmp/metrics" | awk '$2 > 0' | wc -l)"
	check "their threads on the host" 8 "$(threads | grep -c '^vcpu/')"
	remark="$(awk '/^hotsocket_vcpu_seconds_total/ { s += $2 } END { printf "%.1f", s }' "$tmp/metrics") s of the host's CPUs, 8 threads"
}

all_busy() { # within a second
	sleep 1
	ask report
	[ "$(grep -c '^worker .*progressed=yes' "$tmp/answer")" = 8 ]
}

again() { # this time with a busy worker on each CPU
	tell poweroff
	ended 0 "the guest's poweroff"
	start_spec --append "console=ttyS0 quiet $calm hs.work=1"
	is_ready
	restart=$(($(milliseconds) - created))
	check_guest 8
	check_spec 8 1 1 8
	wait_until 60 "a worker on each CPU that gets on" all_busy
	check_healthy NoChange
	over_the_limit 9 8
	ctl quit
	ended 0 quit
	remark="its init runs after $restart ms, with 8 CPUs and a busy worker that gets on on each"
}

the_run() {
	document '"sockets": {"initial": 2, "maximum": 8}' \
		"\"beyond\": {\"to\": 9, \"said\": \"$refusal\"}" \
		"\"stress\": {\"tasks\": 8, \"ms\": $stress_ms, \"online\": 8}" \
		"\"one-task-ms\": {\"with-2-cpus\": $alone_ms, \"with-8-cpus\": $later_ms}" \
		"\"restart\": {\"sockets\": 8, \"init-ms\": $restart}" >out/ts04.json
	check "operations of the document" 3 "$(grep -c '"from"' out/ts04.json)"
}

spec
step 1 "create the VM, 2 of 8 sockets, 4 GiB" start_spec
step 2 "start: it gets Ready within 5 minutes" is_ready
check_spec 2 1 1 8
step 3 "guest: 2 CPUs, and lscpu's threads, cores and sockets" starts_with_2
step 4 "patch sockets to 4: the spec says 4" patch_and_spec 4 8
step 5 "guest: 4, all on-line" guest_has 4
step 6 "patch sockets to 6: the spec says 6" patch_and_spec 6 8
step 7 "guest: 6, all on-line" guest_has 6
step 8 "patch sockets to 8, the maximum: the spec says 8" patch_and_spec 8 8
step 9 "guest: 8, all on-line" guest_has 8
step 10 "patch sockets to 9: refused, the spec says 8" beyond
step 11 "stress: a bound task on each CPU runs to its end, all stay on-line" stress
step 12 "healthy; the events tell the story in order" story
step 13 "metrics: 8 vCPUs, and what they cost the host" cost
step 14 "stop, start: it comes back with 8 CPUs" again
step 15 "a document of the run" the_run
cat out/ts04.json

# --- several VMs at once, of other ratios -----------------------------------------------------

to_the_maximum() { # SOCKETS: beside others
	tmp=$tmp/$vm
	mkdir "$tmp"
	look
	patch_sockets "$1"
	cat "$tmp/operations"
}

parts() { # VM:FIRST:MAX:CORES: sets vm, first, max, cores
	IFS=: read -r vm first max cores <<END
$1
END
}

several_vms() { # VM:FIRST:MAX:CORES...
	for it; do
		parts "$it"
		manifest "sockets: $first, cores: $cores, maxSockets: $max"
		create
	done
	for it; do
		parts "$it"
		wait_until 300 "the init of VM $vm" ready
	done
	for it; do
		parts "$it"
		(to_the_maximum "$max") &
		eval "request_$vm=$!"
	done
	for it; do
		parts "$it"
		status=0
		eval "wait \$request_$vm" || status=$?
		check "the change of VM $vm" 0 "$status"
		check_spec "$max" "$cores" 1 "$max"
		check_guest "$max" "$cores"
		over_the_limit $((max + 1)) "$max"
		check_healthy Completed
	done
	for it; do
		parts "$it"
		ctl quit
		ended 0 "quit of VM $vm"
	done
	remark=$*
}

variation "several VMs at once, name:sockets:maxSockets:cores" several_vms a:1:6:1 b:3:4:1 c:1:2:3
echo "$checks checks"
