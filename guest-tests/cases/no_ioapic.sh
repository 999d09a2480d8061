# only: x86_64
# A guest that leaves the IOAPIC alone: no 8259 that the tables do not name sends it the UART's
# interrupt as a vector of its own exceptions ("Oops: overflow"). It comes as far as its init, which
# has no console: the UART's driver wants the interrupt.

start sockets=1,maxSockets=2 "console=ttyS0 nosmp ignore_loglevel"
begun() { grep -q 'Run /init as init' "out/$vm.console"; }
died() { grep -qE 'Oops|Kernel panic' "out/$vm.console"; }
wait_until 300 "the guest's kernel starts init" eval 'begun || died'
died && failed "a guest without an IOAPIC" "it starts init" "$(grep -E 'Oops|panic' "out/$vm.console")"
ctl quit
ended 0 quit
