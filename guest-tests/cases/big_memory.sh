# only: x86_64
# More memory than fits below the hole under 4 GiB.

boot sockets=1,maxSockets=2 "" --memory 5G
ask report
kb=$(value memtotal-kb)
echo "the guest has $kb KiB of 5242880"
[ "$kb" -gt 4900000 ] || failed "the guest's memory" "more than 4900000 KiB" "$kb"
resize 2
check_online 2
ctl quit
ended 0 quit
