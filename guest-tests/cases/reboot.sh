# A guest that reboots, in each way that Linux has, starts again in the same process with the
# sockets that it had by then; and can be resized as before.

boots() { tr -d '\r' <"out/$vm.console" | grep -c '^@@ready' || true; }
booted() { [ "$(boots)" -ge "$expected" ]; }
again() { # COMMAND: which makes it boot once more
	expected=$(($(boots) + 1))
	"$@"
	wait_until 300 "the guest's init after '$*'" booted
}
reset() {
	ctl reset
	check "the exit status of hotsocketctl reset" 0 "$status"
}
check_all() { # N: the guest and the VM agree
	check_online "$1"
	check "CPUs that status calls online" "$1" "$(steady_status | grep -c ' online ')"
}

boot sockets=2,maxSockets=8 panic=-1 --verbose
base=$(($(threads | wc -l) - 2))
resize 4
check_all 4
again tell reboot # as a stock kernel does it
check_all 4
resize 8
check_all 8
again tell reboot
check_all 8
resize 3
check_all 3
again reset
check_all 3
again tell panic
check_all 3
round=0 rounds=$(short_or_long 0 20)
while [ $((round += 1)) -le "$rounds" ]; do
	again reset
	check_all 3
done
resize 5
check_all 5
check "threads of the VMM" $((base + 5)) "$(threads | wc -l)"
grep 'reset reason' "out/$vm.log"
ctl quit
ended 0 quit

[ "$machine" = x86_64 ] || return 0 # which has more ways

boot sockets=2,maxSockets=8 reboot=k
check_all 2
again tell reboot
check_all 2
ctl quit
ended 0 quit

boot sockets=2,maxSockets=4 reboot=t
resize 3
again tell reboot
check_all 3
ctl quit
ended 0 quit
