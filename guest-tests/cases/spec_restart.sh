# long: aarch64
# A VM from a spec file that was stopped at eight sockets starts again with eight, and so it is
# after a removal and after an eject that is the guest's own; a refused start changes nothing.

file=$tmp/$vm.json

start_again() { # SOCKETS: only from the file; the guest has them
	launch --spec "$file"
	wait_until 300 "the guest's init" ready
	check_online "$1"
}

stop() { # SOCKETS: the file has them
	tell poweroff
	ended 0 "the guest's poweroff"
	sed "s/\"sockets\": [0-9]*/\"sockets\": $1/" "$tmp/first" >"$tmp/expected"
	check "the file" "$(cat "$tmp/expected")" "$(cat "$file")"
	check "lines of the log" 0 "$(wc -l <"out/$vm.log")"
	check "files beside it" "$file" "$(ls "$file"*)"
}

says() { grep -q "\"sockets\": $1,\$" "$file"; }

cat >"$tmp/first" <<END
{
  "kernel": "vmlinuz",
  "initrd": "initrd.img",
  "append": "console=ttyS0 quiet $calm",
  "memory": "512M",
  "cpus": {
    "sockets": 2,
    "cores": 1,
    "threads": 1,
    "maxSockets": 8
  },
  "qmp": "$vm.sock",
  "serial": "stdio"
}
END
cp "$tmp/first" "$file"

start_again 2
resize 8
wait_until 10 "eight sockets in the file" says 8
status=0
./hotsocket --spec "$file" >"$tmp/said" 2>&1 || status=$?
check "the exit status of a second VM from the file" 2 "$status"
check_says "why" 'another VM runs from this file'
check_online 8
stop 8

start_again 8
ctl resize 9
check "the exit status of resize 9" 1 "$status"
resize 5
wait_until 10 "five sockets in the file" says 5
stop 5

start_again 5
ask "sh echo 1 >/sys/devices/system/cpu/cpu3/firmware_node/eject"
wait_until 30 "four sockets in the file" says 4
stop 4
