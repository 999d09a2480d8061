# long: aarch64
# Four VMs at once on one host grow at the same time, each by its own request.

vms=$(short_or_long "a b c d" "a b c d e f g h")
for vm in $vms; do
	start sockets=1,maxSockets=4
done
for vm in $vms; do
	wait_until 300 "the init of VM $vm" ready
done
for vm in $vms; do
	./hotsocketctl -s "$vm.sock" resize 4 >"$tmp/$vm.said" 2>&1 &
	echo $! >"$tmp/$vm.request"
done
for vm in $vms; do
	status=0
	wait "$(cat "$tmp/$vm.request")" || status=$?
	check "the exit status of the resize of VM $vm: $(cat "$tmp/$vm.said")" 0 "$status"
	check_online 4
	echo "VM $vm: $(sed -n 's/^done: //p' "$tmp/$vm.said")"
done
for vm in $vms; do
	tell poweroff
	ended 0 "the poweroff of VM $vm"
done
