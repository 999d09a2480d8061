# only: x86_64
# The command line names the UART by its port and no baud: Linux takes the baud that the UART has,
# once in its decompressor and once more.

boot sockets=1,maxSockets=2 "console=uart8250,io,0x3f8"
resize 2
check_online 2
ctl quit
ended 0 quit
