# only: x86_64
# --decompress host: a stock kernel that hotsocket has decompressed boots, at the address that it
# was linked for, grows, and boots again.

boots() { tr -d '\r' <"out/$vm.console" | grep -c '^@@ready' || true; }
twice() { [ "$(boots)" -eq 2 ]; }

boot sockets=2,maxSockets=4 "" --decompress host
ask "sh grep ' _text\$' /proc/kallsyms"
check "where the kernel is" ffffffff81000000 "$(sed -n 's/ .*//p' "$tmp/answer")"
resize 4
check_online 4
ctl reset
wait_until 120 "the guest's init after a reset" twice
check_online 4
resize 2
check_online 2
check_dmesg
ctl quit
ended 0 quit
