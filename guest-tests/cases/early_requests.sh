# A resize that is asked for at any moment from the start of the process on ends with the guest
# having the CPUs: before its ACPI is up, while it scans, before its GED driver is there.

case $machine in
x86_64) moments=$(short_or_long "0 150 500 1200 2500" \
	"0 50 100 150 200 300 400 600 800 1000 1300 1600 1900 2200 2500 3000") ;;
*) moments=$(short_or_long "0 2200 5500" "0 300 800 1500 2200 3000 4000 5500 7000") ;; # its boot takes longer
esac
for ms in $moments; do
	moment=$(milliseconds)
	start sockets=1,maxSockets=4
	wait_until 30 "the control socket" listens
	while [ $(($(milliseconds) - moment)) -lt "$ms" ]; do
		sleep 0.01
	done
	asked=$(($(milliseconds) - moment))
	ctl resize 3
	# From its ACPI's scan to its init, which onlines, a slow guest takes longer than is waited for.
	[ "$status" -ne 3 ] || check_says "why" 'registered, not online'
	wait_until 300 "the guest's init" ready
	[ "$status" -ne 3 ] || ctl resize 3
	check "the exit status of a resize at $asked ms" 0 "$status"
	check_online 3
	check "CPUs that status calls online" 3 "$(steady_status | grep -c ' online ')"
	echo "asked at $asked ms: $(sed -n 's/^done: //p' "$tmp/said")"
	ctl quit
	ended 0 quit
done
