# only: x86_64
# Another kernel takes over in the guest by kexec: it has the CPUs that were added before, status
# knows which of them it runs, and more come and go.

boots() { tr -d '\r' <"out/$vm.console" | grep -c '^@@ready' || true; }
twice() { [ "$(boots)" -eq 2 ]; }

# The initrd of the first kernel carries the second one, behind it on a border of 4 bytes.
mkdir -p "$tmp/root/kexec"
cp vmlinuz initrd.img "$tmp/root/kexec"
{
	cat initrd.img
	head -c $((-$(stat -c %s initrd.img) & 3)) /dev/zero
	(cd "$tmp/root" && find kexec | cpio -o -H newc 2>/dev/null)
} >"$tmp/initrd.img"

boot sockets=2,maxSockets=6 "" --initrd "$tmp/initrd.img"
resize 4
check_online 4
tell "kexec console=ttyS0 quiet $calm"
wait_until 300 "the second kernel" twice
check_online 4
check "CPUs that status calls online" 4 "$(steady_status | grep -c ' online ')"
resize 6
check_online 6
resize 2
check_online 2
ctl quit
ended 0 quit
