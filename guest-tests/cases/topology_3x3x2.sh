# No power of two, so that APIC ids have holes: 3 x 3 x 2.
. ./topology.sh

grow 3 3 2 1 2 3
