# long: aarch64
# Sockets of one CPU: 8 x 1 x 1.
. ./topology.sh

grow 8 1 1 2 4 8
