# TS-01: maxSockets is calculated and constrained, from the manifest to the guest's ACPI tables.
. ./scenario.sh
scenario=TS-01

# --- the steps --------------------------------------------------------------------------------

maximum() { # of vCPUs
	look
	vcpus=$(($(got MAX) * $(got CORES) * $(got THREADS)))
	check "maxSockets x cores x threads" 8 $vcpus
	ctl status
	check_says "status" "^vCPUs  *2 of $vcpus\$"
}

within() {
	[ "$(got MAX)" -le "$vcpus" ] || failed "maxSockets" "at most $vcpus" "$(got MAX)"
}

runs_with_it() {
	is_ready
	check_spec 2 1 1 8
}

processors() { # of the guest's MADT: present, possible
	ask "sh od -An -v -tu1 /sys/firmware/acpi/tables/APIC"
	case $machine in
	x86_64) local_apic="0 4 2" ;; # type, offset of the flags, their bit online-capable
	*) local_apic="11 12 8" ;;
	esac
	awk -v entry="$local_apic" 'BEGIN { split(entry, e, " ") }
		{ for (i = 1; i <= NF; i++) b[n++] = $i }
		END { for (i = 44; i + 1 < n && b[i + 1] > 0; i += b[i + 1])
			if (b[i] == e[1]) {
				flags = b[i + e[2]]
				present += flags % 2
				possible += flags % 2 || int(flags / e[3]) % 2
			}
		print present + 0, possible + 0 }' "$tmp/answer"
}

described() { # in each place where a guest or a tool may look
	check "present and possible CPUs of the guest's MADT" "2 8" "$(processors)"
	ask "sh cat /sys/bus/acpi/devices/ACPI0007:*/status"
	check "processor devices" 8 "$(wc -l <"$tmp/answer")"
	check "processor devices that are there" 2 "$(grep -c '^15$' "$tmp/answer")"
	ctl qmp '{"execute":"query-hotpluggable-cpus"}'
	check "what query-hotpluggable-cpus lists" 8 "$(grep -o '"socket-id"' "$tmp/said" | wc -l)"
	check "and has plugged" 2 "$(grep -o '"qom-path"' "$tmp/said" | wc -l)"
	ask report
	check "the CPUs that the guest may get" 0-7 "$(value possible)"
	check "the CPUs that it has" 0-1 "$(value online)"
}

manifest "sockets: 2, cores: 1, threads: 1, maxSockets: 8" 2Gi
step 1 "create the VM from its manifest" create
step 2 "its spec has 2 sockets of 1 core and thread, maxSockets 8" check_spec 2 1 1 8
step 3 "the maximum number of vCPUs is 8" maximum
step 4 "maxSockets is at most that" within
step 5 "it gets Ready, with the same maxSockets" runs_with_it
step 6 "MADT, processor devices, query-hotpluggable-cpus: 2 of 8 possible" described
ctl quit
ended 0 quit

# --- the calculation; no guest is waited for --------------------------------------------------

config() { echo "$1" >"$tmp/config"; }

limit() { # MAXSOCKETS WHERE-FROM CPU: the manifest's, with the host configuration
	manifest "$3"
	create --config "$tmp/config"
	look
	check "maxSockets of {$3}" "$1" "$(got MAX)"
	[ "$(got MAX)" -ge "$(got SOCKETS)" ] || failed "maxSockets" "at least $(got SOCKETS)" "$(got MAX)"
	ctl status
	check_says "where it comes from" "$2"
	remark=$(sed -n 's/^sockets  *//p' "$tmp/said")
	ctl quit
	ended 0 quit
}

too_high() { # PATTERN CPU
	manifest "$2"
	refused_start --manifest "$tmp/$vm.yaml" --config "$tmp/config"
	check_says "the refusal" "spec.template.spec.domain.cpu" "$1"
}

config '{}'
variation "cores and threads above 1, maxSockets given: 3 of 2 x 2" \
	limit 3 'set for the VM' "sockets: 1, cores: 2, threads: 2, maxSockets: 3"
variation "not given: 4 x sockets" limit 8 'by default 4 x sockets' "sockets: 2"
variation "not given, sockets, cores and threads neither: 4 x 1" limit 4 'by default' ""
variation "not given: lowered to 512 vCPUs, 85 of 2 x 3" limit 85 \
	'within the maximum of 512 vCPUs' "sockets: 32, cores: 2, threads: 3"
variation "not given, only sockets: lowered to 512" limit 512 'within the maximum of 512 vCPUs' \
	"sockets: 200"
config '{"maxVcpus": 16}'
variation "lowered, but not below the sockets" limit 20 'maximum of 16 vCPUs' "sockets: 20"
config '{"maxHotplugRatio": 2}'
variation "the host's ratio" limit 6 '2 x sockets' "sockets: 3"
config '{"maxCpuSockets": 10, "maxHotplugRatio": 2}'
variation "the host's maximum is before its ratio" limit 10 'maxCpuSockets' "sockets: 2"
variation "the VM's own is before both" limit 16 'set for the VM' "sockets: 2, maxSockets: 16"
config '{"maxCpuSockets": 2}'
variation "the host's maximum is raised to the sockets" limit 3 'maxCpuSockets 2' \
	"sockets: 3"

config '{}'
variation "a maxSockets that the host cannot have" too_high \
	'CPU maxSockets 100000 .* is greater than the maximum' "sockets: 2, maxSockets: 100000"
variation "more vCPUs than the host can have, by cores and threads" too_high \
	'CPU maxSockets 64 .* is greater than the maximum' \
	"sockets: 2, cores: 64, threads: 2, maxSockets: 64"
variation "a product of more than 32 bits" too_high 'vCPUs is greater than the maximum' \
	"sockets: 1, cores: 65536, threads: 65536, maxSockets: 65536"
variation "a maxSockets below the sockets" too_high \
	'CPU sockets 4 is greater than the maximum sockets allowed' "sockets: 4, maxSockets: 3"
variation "a maxSockets below 1" too_high 'CPU maxSockets -1 is less than the minimum, 1' \
	"sockets: 1, maxSockets: -1"
config '{"maxCpuSockets": 0}'
variation "a maximum of the host below 1" refused_start --kernel vmlinuz --config "$tmp/config"
echo "$checks checks"
