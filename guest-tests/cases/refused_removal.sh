# A guest that does not let go: the job ends with its reason and the VM works on; a removal that
# nothing answers is cancelled, or times out, and the same request succeeds later. An add that the
# guest has seen is not cancelled: it may be about to register the CPU.

boot sockets=4,maxSockets=4
ctl resize 2 --timeout 1000 --no-wait
ctl cancel
echo "cancel: $(cat "$tmp/said")"
# The guest may be too far to stop: then what it ejects comes back. It is over when nothing has
# moved for some seconds.
at_rest() {
	for look in 1 2 3 4 5 6 7 8 9 10; do
		ctl status
		! grep -q '^job' "$tmp/said" && [ "$(grep -c ' online ' "$tmp/said")" -eq 4 ] &&
			[ "$(guest_online)" = 0-3 ] || return 1
		sleep 0.5
	done
}
wait_until 120 "the four CPUs" at_rest
resize 4
check_online 4
idle() {
	ctl status
	! grep -q '^job' "$tmp/said"
}
for late in $(short_or_long "0 10 20 30" "$(seq 0 2 60)"); do # ms
	resize 2
	ctl resize 4 --no-wait
	usleep ${late}000
	ctl cancel
	[ "$status" -eq 0 ] || # or it has come to its end
		check_says "why" 'cannot be cancelled: the guest has seen\|no CPU hotplug is in progress'
	wait_until 60 "the end of the add" idle
	resize 4
	check_online 4
done
ctl qmp '{"execute":"stop"}'
ctl resize 3 --timeout 1
check "the exit status of a removal that a stopped guest does not answer" 3 "$status"
check_says "why" 'requested, not offlining: cpus 3'
ctl qmp '{"execute":"cont"}'
check_online 4
resize 3
check_online 3
ctl quit
ended 0 quit

# The guest's scheduler has promised more time than three CPUs have: it says no, by _OST.
boot sockets=4,maxSockets=4
for process in 1 2 3 4; do
	ask "reserve 75"
	check "what reserve $process prints" "" "$(cat "$tmp/answer")"
done
ctl resize 3
check "the exit status of a removal that the guest refuses" 1 "$status"
check_says "the refusal" 'refused to let go of cpu 3: the CPU is busy'
tail -n 1 "$tmp/said"
check_online 4
ask release
resize 3
check_online 3
check_dmesg
ctl quit
ended 0 quit
