# only: x86_64
# A guest that leaves the IOAPIC alone: no 8259 that the tables do not name sends it the UART's
# interrupt as a vector of its own exceptions. It polls the UART.

boot sockets=1,maxSockets=2 "console=ttyS0 nosmp"
check_dmesg
ctl quit
ended 0 quit
