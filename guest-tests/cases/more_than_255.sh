# An APIC id or MPIDR of more than 8 bits: the last of many possible CPUs, added alone, runs a
# task, takes its timer's and its colleague's interrupts, and the UART's and the GED's when they
# are sent there, and is taken away with them.

case $machine in
x86_64) possible=288 ;;
*) possible=300 ;;
esac
last=$((possible - 1))

online=2
look_for() { # WHAT: sets count to how many of them the last CPU took, line to their number
	ask "sh grep -E '$1' /proc/interrupts"
	count=$(awk "{ print \$($online + 1) }" "$tmp/answer")
	line=$(sed 's/^ *\([^:]*\):.*/\1/' "$tmp/answer")
}
check_grow() { # WHAT COMMAND: COMMAND in the guest makes the last CPU take more of them
	look_for "$1"
	first=$count
	ask "sh $2"
	look_for "$1"
	echo "$1: $first, then $count"
	check "the growth of CPU $last's count of $1, $first" more \
		"$([ "$count" -gt "$first" ] && echo more || echo "$count")"
}
send_there() { # WHAT
	look_for "$1"
	ask "sh echo $last >/proc/irq/$line/smp_affinity_list"
}

boot "sockets=1,maxSockets=$possible" "" --memory 1G
add_last="{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"host-$machine-cpu\",\"id\":\"last\",\"socket-id\":$last}}"
ctl qmp "$add_last"
check "the exit status of the device_add" 0 "$status"
last_online() { [ "$(guest_online)" = "0,$last" ]; }
wait_until 60 "CPU $last" last_online
ask "sh taskset -c $last grep Cpus_allowed_list /proc/self/status"
check "where a task runs that was put on CPU $last" "$last" "$(awk '{ print $2 }' "$tmp/answer")"

check_grow 'Local timer|arch_timer' "taskset -c $last sleep 0.5"
check_grow 'Function call interrupts' 'for i in 1 2 3 4 5; do sleep 0.1; cat /proc/sys/vm/stat_refresh; done'
send_there ttyS0
check_grow ttyS0 'echo some words'
send_there ACPI:Ged
resize 3 # on x86_64 the first one that still comes to the old CPU takes the others with it
resize 4
online=4
look_for ACPI:Ged
check "that the GED's interrupt came to CPU $last" yes "$([ "$count" -gt 0 ] && echo yes)"

ctl qmp '{"execute":"device_del","arguments":{"id":"last"}}'
check "the exit status of the device_del" 0 "$status"
gone() { [ "$(guest_online)" = 0-2 ]; }
wait_until 60 "CPU $last to go" gone
resize 1
check_online 1

# Again, and the guest starts again with it.
ctl qmp "$add_last"
wait_until 60 "CPU $last" last_online
booted() { [ "$(tr -d '\r' <"out/$vm.console" | grep -c '^@@ready')" -eq 2 ]; }
tell reboot
wait_until 300 "the guest's second boot" booted
ask report # on x86_64 Linux now calls it CPU 1
check "nproc after a reboot" 2 "$(value nproc)"
resize 1
check_online 1
ctl quit
ended 0 quit
