# Sockets of cores with threads: 2 x 2 x 2.
. ./topology.sh

grow 2 2 2 1 2
