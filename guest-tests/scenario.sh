# guest-tests/scenario.sh: for the cases that follow a numbered test scenario, TS-NN: each step
# has its number and a line that says what it saw. To be sourced after vm.sh.
# shellcheck shell=sh disable=SC2154

# --- steps ------------------------------------------------------------------------------------

step() { # NUMBER WHAT COMMAND...: the command may set remark, which is then said, too
	doing="$scenario step $1: $2" remark=
	shift 2
	"$@"
	echo "$doing: ok${remark:+ ($remark)}"
	doing=
}

variation() { # WHAT COMMAND...: one that the scenario names without a number
	doing="$scenario also: $1" remark=
	shift
	"$@"
	echo "$doing: ok${remark:+ ($remark)}"
	doing=
}

# --- the VM and its manifest ------------------------------------------------------------------

manifest() { # CPU [MEMORY [KERNEL-ARGS]]: in $tmp/$vm.yaml
	cat >"$tmp/$vm.yaml" <<END
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: $vm}
spec:
  template:
    spec:
      domain:
        cpu: {$1}
        memory: {guest: ${2:-512Mi}}
        firmware:
          kernelBoot:
            kernelArgs: console=ttyS0 quiet $calm ${3:-}
            container: {kernelPath: vmlinuz, initrdPath: initrd.img}
END
}

create() { # OPTION...: starts what the manifest says; the process runs and listens
	created=$(milliseconds)
	launch --manifest "$tmp/$vm.yaml" --qmp "$vm.sock" --serial stdio "$@"
	wait_until 30 "the control socket" listens
}

is_ready() { # the condition, and the guest itself
	look
	check "Ready" True "$(got READY)"
	wait_until 300 "the guest's init" ready
	remark="the guest's init runs after $(($(milliseconds) - created)) ms"
}

look() { ctl get && cp "$tmp/said" "$tmp/got"; }
got() { # COLUMN of "hotsocketctl get", as of the last look
	awk -v want="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == want) c = i; next } { print $c }' "$tmp/got"
}

check_spec() { # SOCKETS CORES THREADS MAXSOCKETS: wanted, and what the guest has
	look
	check "the spec's sockets, cores, threads, maxSockets" "$1 $2 $3 $4" \
		"$(got SOCKETS) $(got CORES) $(got THREADS) $(got MAX)"
	check "currentCPUTopology's sockets" "$1" "$(got CURRENT)"
}

check_healthy() { # CHANGE: Completed, or NoChange
	look
	check "phase, Ready, HotVCPUChange, RestartRequired" "Running True $1 False" \
		"$(got PHASE) $(got READY) $(got CHANGE) $(got RESTART)"
}

check_guest() { # SOCKETS [CORES THREADS]: nproc and lscpu
	check_online $(($1 * ${2:-1} * ${3:-1}))
	check_lscpu $(($1 * ${2:-1} * ${3:-1})) "${3:-1}" "${2:-1}" "$1"
	remark="on-line $(value 'On-line CPU(s) list:')"
	[ "$machine" = x86_64 ] || remark="$remark; lscpu's CPU(s) are the possible ones here"
}

# --- requests ---------------------------------------------------------------------------------

patch_cpu() { # KEY VALUE: of domain.cpu; as ctl
	ctl patch -p "{\"spec\":{\"template\":{\"spec\":{\"domain\":{\"cpu\":{\"$1\":$2}}}}}}"
}

# The sums of the times that the phases took, so far.
phase_sums() {
	./hotsocketctl -s "$vm.sock" metrics |
		sed -n 's/^hotsocket_hotplug_phase_latency_seconds_sum{.*phase="\([a-z]*\)"} /\1 /p'
}

# The new sums less the old ones: a member of JSON for each phase that there was.
phase_times() { # OLD NEW
	awk 'NR == FNR { old[$1] = $2; next }
		$2 > old[$1] { printf "%s\"%s\": %.1f", sep, $1, ($2 - old[$1]) * 1000; sep = ", " }' "$1" "$2"
}

# What a change took, as a line for the scenario's document: in $tmp/operations.
patch_sockets() { # N: must work
	from=$(got SOCKETS)
	phase_sums >"$tmp/old"
	asked=$(milliseconds)
	patch_cpu sockets "$1"
	took=$(($(milliseconds) - asked))
	[ "$status" -eq 0 ] || failed "sockets to $1" "exit status 0" "$status: $(cat "$tmp/said")"
	phase_sums >"$tmp/new"
	times=$(phase_times "$tmp/old" "$tmp/new")
	case $times in
	*'"online": '*) ;;
	*) failed "the times of the phases" "one for online" "$times" ;;
	esac
	echo "{\"from\": $from, \"to\": $1, \"request-to-end-ms\": $took, \"phase-ms\": {$times}}" \
		>>"$tmp/operations"
	remark="request to end $took ms"
}

patch_and_spec() { # SOCKETS MAXSOCKETS: of one core and thread
	patch_sockets "$1"
	check_spec "$1" 1 1 "$2"
}

# What $tmp/said says, without the program and what to do.
constraint() { sed "s/^hotsocket[ctl]*: //; s|$tmp/||; s/;.*//" "$tmp/said"; }

refused_patch() { # KEY VALUE: nothing changes; its text in $tmp/said
	before_it=$(steady_status)
	patch_cpu "$1" "$2"
	check "the exit status of $1 to $2" 1 "$status"
	check "the status after it" "$before_it" "$(steady_status)"
	remark=$(constraint)
}

refused_start() { # OPTION...: nothing is created; its text in $tmp/said
	status=0
	timeout 20 ./hotsocket "$@" --qmp refused.sock --serial "file:$tmp/refused" \
		>"$tmp/said" 2>&1 </dev/null || status=$?
	check "the exit status of a refused start" 2 "$status"
	check "lines that it says" 1 "$(wc -l <"$tmp/said")"
	check "files that it leaves" "" "$(ls refused.sock "$tmp/refused" 2>/dev/null)"
	remark=$(constraint)
}

over_the_limit() { # SOCKETS MAX: refused, and the text says why and what to do
	refused_patch sockets "$1"
	check_says "the refusal" "CPU sockets $1 is greater than the maximum sockets allowed" \
		"maxSockets $2 (set for the VM)" "; ask for 1 to $2"
}

# --- what the VM tells of itself --------------------------------------------------------------

check_events() { # REASON...: all of them, in order
	ctl events
	check "the events" "$*" "$(awk 'NR > 1 { printf "%s%s", sep, $3; sep = " " }' "$tmp/said")"
	check "the Warnings" "$(printf '%s\n' "$@" | grep -c Refused)" "$(grep -c ' Warning ' "$tmp/said")"
	remark="$*"
}

metric() { # SERIES, without the VM's name: its value, of $tmp/metrics
	sed -n "s/^hotsocket_$1 //p" "$tmp/metrics" | sed 's/[.]0*$//'
}

# --- the document of a run --------------------------------------------------------------------

document() { # MEMBER...: these, then the operations
	echo "{"
	printf '  "scenario": "%s", "machine": "%s",\n' "$scenario" "$machine"
	printf '  %s,\n' "$@"
	echo '  "operations": ['
	sed 's/^/    /; $!s/$/,/' "$tmp/operations"
	echo '  ]'
	echo "}"
}
