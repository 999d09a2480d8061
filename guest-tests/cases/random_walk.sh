# long: aarch64
# At random the guest takes CPUs off-line and on-line, sockets come and go, and now and then it
# starts again, all under load: after each step status says what the guest's own sysfs says at
# that moment.

case $machine in
x86_64) steps=$(short_or_long 30 1000) ;;
*) steps=$(short_or_long 15 500) ;; # it is slower there
esac
steps=${STEPS:-$steps} seed=${SEED:-$$}
echo "seed $seed"

random() { # N: sets r to 0 .. N-1
	seed=$(((seed * 1103515245 + 12345) & 2147483647))
	r=$(((seed >> 8) % $1))
}

status_online() { # as the guest writes it: 0-2,5
	steady_status | awk '$5 == "online" { n = $1
		if (n != last + 1 || first == "") { if (first != "") out = out sep range(); first = n; sep = "," }
		last = n }
		function range() { return first == last ? first : first "-" last }
		END { sub(/^,/, "", out); print (out == "" ? "" : out ",") range() }'
}

agree() { # STEP
	check "what status calls online after '$1'" "$(guest_online)" "$(status_online)"
}

boots() { tr -d '\r' <"out/$vm.console" | grep -c '^@@ready' || true; }
again() { [ "$(boots)" -gt "$resets" ]; }

boot sockets=4,maxSockets=6 hs.work=1
sockets=4 step=0 resets=0
while [ $((step += 1)) -le "$steps" ]; do
	random 50
	if [ "$r" -eq 0 ]; then
		resets=$((resets + 1))
		ctl reset
		check "the exit status of reset" 0 "$status"
		wait_until 300 "the guest's init" again
		agree reset
		continue
	fi
	random 10
	if [ "$r" -lt 2 ]; then
		random 6
		sockets=$((r + 1))
		ask "sh for c in /sys/devices/system/cpu/cpu[1-9]*/online; do echo 1 >\$c; done"
		resize $sockets
		agree "resize $sockets"
	elif [ "$sockets" -gt 1 ]; then
		random $((sockets - 1))
		cpu=$((r + 1))
		random 2
		[ "$r" -eq 0 ] && act=offline || act=online
		ask "$act $cpu"
		agree "$act $cpu"
	fi
done
echo "$((step - 1)) steps agree, $resets of them resets"
ctl quit
ended 0 quit
