# only: aarch64
# A guest with a device tree has all possible CPUs and is told nothing: it may start those that are
# plugged, and lets one go by taking it offline.

state() { steady_status | awk -v cpu="$1" '$1 == cpu { print $5 }'; }

boot sockets=2,maxSockets=4 "" --boot dt
check_online 2
ask "online 2"
check_online 2
ctl status
check_says "what status says of it" 'no ACPI' 'online and offline CPUs by itself'

./hotsocketctl -s "$vm.sock" resize 4 --timeout 60 >"$tmp/resize" 2>&1 &
request=$!
plugged() { [ "$(state 3)" = plugged ]; }
wait_until 30 "CPU 3 to be plugged" plugged
ask "online 2"
ask "online 3"
status=0
wait $request || status=$?
cat "$tmp/resize"
check "the exit status of the resize" 0 "$status"
check_online 4

ctl resize 3 --timeout 1
check "the exit status of a removal that the guest knows nothing of" 3 "$status"
check_says "why" 'not offline: cpus 3' 'no ACPI'
ask "offline 3"
check "the state of the offlined CPU" offline "$(state 3)"
resize 3
check "the state of the removed CPU" parked "$(state 3)"
ask "online 3"
check_online 3

ctl resize 4 --no-wait
ctl cancel
check "the exit status of cancel" 0 "$status"
ask "online 3"
check_online 3
tell reboot
again() { [ "$(tr -d '\r' <"out/$vm.console" | grep -c '^@@ready')" -eq 2 ]; }
wait_until 300 "the guest's init after its reboot" again
check_online 3
check_dmesg
tell poweroff
ended 0 "the guest's poweroff"
