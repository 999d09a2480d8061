# Every way in which a guest ends a VM that is not to restart it has its exit status and one clear
# line. Only x86_64 has several ways to reset.

reboots() { # APPEND COMMAND STATUS
	boot sockets=2,maxSockets=4 "$1" --on-reset exit
	tell "$2"
	ended "$3" "'$2' with '$1'"
	cp "out/$vm.log" "$tmp/said"
	check "lines of the log" 1 "$(wc -l <"$tmp/said")"
	cat "$tmp/said"
}

reboots "" reboot 3
check_says "the line" 'the guest asked for a reset'
if [ "$machine" = x86_64 ]; then
	reboots "reboot=a" reboot 3
	reboots "reboot=k" reboot 3
	reboots "reboot=t" reboot 4
	check_says "the line" 'triple fault'
fi
reboots "panic=-1" panic 3
