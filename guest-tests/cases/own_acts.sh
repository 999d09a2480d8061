# long: aarch64
# What the guest does by itself: it offlines a CPU, and onlines it again; it ejects one that
# nobody asked for, which is accepted and reported; and it gets that one back by request.

state() { steady_status | awk -v cpu="$1" '$1 == cpu { print $5 }'; }

boot sockets=4,maxSockets=6
ask "offline 3"
check "the state of an offlined CPU" offline "$(state 3)"
ask "online 3"
check "the state of an onlined CPU" online "$(state 3)"
ask "sh echo 1 >/sys/devices/system/cpu/cpu2/firmware_node/eject"
gone() { [ "$(state 2)" = parked ]; }
wait_until 30 "the eject" gone
ask report
check "the CPUs that the guest has online" 0-1,3 "$(value online)"
check "the sockets in status" 3 "$(steady_status | sed -n 's/^sockets  *\([0-9]*\) of.*/\1/p')"
resize 4
check_online 4
resize 6
check_online 6
ctl quit
ended 0 quit

boot sockets=2,maxSockets=4 "" --guest-eject refuse
ask "sh echo 1 >/sys/devices/system/cpu/cpu1/firmware_node/eject"
tried() { [ "$(state 1)" = offline ]; } # which Linux does first
wait_until 30 "the guest's own removal" tried
sleep 2
check "the state of a CPU whose eject is refused" offline "$(state 1)"
ctl quit
ended 0 quit
