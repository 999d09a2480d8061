# only: aarch64
# host: 6.1
# A host whose KVM leaves the start of CPUs to nobody: a VM has all its CPUs from the start, or is
# refused with the reason and the kernel that it takes.

./hotsocket --kernel vmlinuz --cpus sockets=2,maxSockets=8 >"$tmp/said" 2>&1 && status=0 || status=$?
cat "$tmp/said"
check "the exit status of a start with room for more" 2 "$status"
check_says "the refusal" 'Linux 6.4 or later' "this is $(uname -r)" 'maxSockets'

boot sockets=4,maxSockets=4
check_online 4
check "CPUs that status calls online" 4 "$(steady_status | grep -c ' online ')"
check_lscpu 4 1 1 4
steady_status >"$tmp/before"
ctl resize 2
check "the exit status of a resize" 1 "$status"
check_says "the refusal" 'refused: CPU hotplug' 'Linux 6.4 or later'
ctl resize 5
check_says "the refusal past the limit" 'CPU sockets 5 is greater than the maximum'
ctl resize 4
check "the exit status of a resize to what there is" 0 "$status"
check "the status after it all" "$(cat "$tmp/before")" "$(steady_status)"
check_online 4
tell reboot
again() { [ "$(tr -d '\r' <"out/$vm.console" | grep -c '^@@ready')" -eq 2 ]; }
wait_until 300 "the guest's init after its reboot" again
check_online 4
check_dmesg
tell poweroff
ended 0 "the guest's poweroff"
