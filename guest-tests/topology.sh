# guest-tests/topology.sh: for the cases about topology. To be sourced after vm.sh.
# shellcheck shell=sh disable=SC2154

# Grows a VM from the first number of sockets to each of the others, and holds lscpu against it.
grow() { # MAXSOCKETS CORES THREADS FIRST STEP...
	max=$1 cores=$2 threads=$3 each=$(($2 * $3))
	shift 3
	boot "sockets=$1,cores=$cores,threads=$threads,maxSockets=$max"
	for sockets; do
		resize "$sockets"
		check_online $((sockets * each))
		check_lscpu $((sockets * each)) "$threads" "$cores" "$sockets"
		echo "$max x $cores x $threads: $sockets sockets are right"
	done
	[ "$machine" != x86_64 ] || check_features
	check_dmesg
	ctl quit
	ended 0 quit
}

# Linux stops all its CPUs for these, or makes exits, whenever it starts one.
check_features() {
	ask "sh tr ' ' '\\n' </proc/cpuinfo | grep -xE 'x2apic|mtrr|pat|mce|mca' | sort -u"
	check "x2apic and the features that make a start slow" x2apic "$(cat "$tmp/answer")"
}
