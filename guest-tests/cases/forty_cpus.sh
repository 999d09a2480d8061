# More CPUs than one level of an arm64 MPIDR holds: 40 possible, and the last one, added alone,
# runs a task.

boot sockets=1,maxSockets=40
ctl qmp "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"host-$(uname -m)-cpu\",\"id\":\"last\",\"socket-id\":39}}"
check "the exit status of the device_add" 0 "$status"
last_online() { [ "$(guest_online)" = 0,39 ]; }
wait_until 60 "CPU 39" last_online
ask "sh taskset -c 39 sed -n s/^Cpus_allowed_list.//p /proc/self/status"
check "where a task runs that was put on CPU 39" 39 "$(tr -d '\t' <"$tmp/answer")"
resize 20
check "the CPUs that the guest has online" 0-18,39 "$(guest_online)"
resize 40
check_online 40
check_lscpu 40 1 1 40
resize 2
check_online 2
check_dmesg
ctl quit
ended 0 quit
