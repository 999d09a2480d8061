# A guest that does not online new CPUs: the job says so, names them and the udev rule, and the
# same request succeeds when the guest has onlined them.

boot sockets=1,maxSockets=4 hs.online=0
ctl resize 3 --timeout 10
check "the exit status of a resize that the guest does not finish" 3 "$status"
check_says "why" 'registered, not online: cpus 1-2' 'udev rule'
check_online 1
ask "online 1"
check "CPUs that status calls online" 2 "$(steady_status | grep -c ' online ')"
ask "online 2"
ctl resize 3
check "the exit status of the same request again" 0 "$status"
check_online 3
ask "offline 2"
check "CPUs that status calls offline" 1 "$(steady_status | grep -c ' offline ')"
ask "online 2"
check "CPUs that status calls online" 3 "$(steady_status | grep -c ' online ')"
ctl resize 4 --no-wait
check "the exit status of a request without waiting" 0 "$status"
check_dmesg
ctl quit
ended 0 quit
