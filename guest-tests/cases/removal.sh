# Sockets are taken away again, the highest first, and given back, under load; the guest, the
# status and the host agree each time. A long-lived process keeps its PID.

keeper() { value keeper | sed 's/ alive=.*//'; }

boot sockets=2,maxSockets=8 hs.work=1
ask report
pid=$(keeper)
base=$(($(threads | wc -l) - 2))
resize 8
check_online 8
fds=$(files)
round=0 rounds=$(short_or_long 1 20)
walk=
while [ $((round += 1)) -le "$rounds" ]; do walk="$walk 4 6 2 8 1 3"; done
for sockets in $walk; do
	resize $sockets
	sed -n 's/^done: //p' "$tmp/said"
	check_online $sockets
	check "the keeper" "$pid" "$(keeper)"
	check "threads of the VMM" $((base + sockets)) "$(threads | wc -l)"
	check "files of the VMM" "$fds" "$(files)"
	check "CPUs that status calls online" $sockets "$(steady_status | grep -c ' online ')"
done
check_lscpu 3 1 1 3
check_dmesg
ctl quit
ended 0 quit
