# TS-03: what violates a limit is refused, with a text that helps; nothing is created or changed.
. ./scenario.sh
scenario=TS-03

cpu=spec.template.spec.domain.cpu
: >"$tmp/texts" # of all refusals

keep_text() { sed 's/^.*: CPU /CPU /' "$tmp/said" >>"$tmp/texts"; }

# --- the steps --------------------------------------------------------------------------------

too_many() {
	manifest "sockets: 10, maxSockets: 8"
	refused_start --manifest "$tmp/$vm.yaml"
	keep_text
}

actionable() { # of the refusal before
	check_says "the text" "$cpu.sockets: CPU sockets 10 is greater than the maximum sockets allowed" \
		'maxSockets 8 (set for the VM)' '; ask for 1 to 8, or start the VM with a larger maxSockets'
	remark="field, value, limit, where that comes from, what would work"
}

create_valid() {
	manifest "sockets: 2, maxSockets: 4"
	create
	check_spec 2 1 1 4
}

beyond() {
	over_the_limit 5 4
	keep_text
	check_spec 2 1 1 4
	check_online 2
}

warned() {
	ctl events -o yaml
	check "Warnings" 1 "$(grep -c 'type: Warning' "$tmp/said")"
	grep -A 3 'type: Warning' "$tmp/said" >"$tmp/warning"
	cp "$tmp/warning" "$tmp/said"
	check_says "the event" 'reason: HotplugRefused' \
		'message: .*CPU sockets 5 is greater than the maximum sockets allowed, maxSockets 4' 'count: 1'
	remark="HotplugRefused"
}

below_current() {
	refused_patch maxSockets 1
	check_says "the refusal" 'CPU sockets 2' 'maxSockets 1'
	keep_text
	check_spec 2 1 1 4
	check_online 2
	check_healthy NoChange
}

refused_cpus() { # WORD VALUE: on the command line
	refused_start --kernel vmlinuz --cpus "$1=$2"
	check_says "the refusal" "CPU $1 $2 is less than the minimum, 1; give 1 or more"
	keep_text
}

zero_in_a_manifest() {
	vm=zero
	manifest "sockets: 0, maxSockets: 4"
	create
	check_spec 1 1 1 4
	ctl quit
	ended 0 quit
	vm=vm1
}

below_1() {
	echo '{"kernel": "vmlinuz", "cpus": {"sockets": 0}}' >"$tmp/$vm.json"
	cp "$tmp/$vm.json" "$tmp/before"
	refused_start --spec "$tmp/$vm.json"
	check_says "the refusal" 'CPU sockets 0 is less than the minimum, 1'
	keep_text
	check "the spec file" "$(cat "$tmp/before")" "$(cat "$tmp/$vm.json")"
	for word in sockets cores threads maxSockets; do
		refused_cpus $word 0
		refused_cpus $word -1
		manifest "$word: -1"
		refused_start --manifest "$tmp/$vm.yaml"
		check_says "the refusal" "$cpu.$word: CPU $word -1 is less than the minimum, 1"
		keep_text
	done
	zero_in_a_manifest
	remark="0 and -1, each word; a 0 in a manifest means 1 on purpose, as in KubeVirt"
}

# CPU, what, its value, the limit, and after a semicolon what to do.
same_form() {
	form='^CPU [a-zA-Z]* -\{0,1\}[0-9]* is \(greater than the maximum\|less than the minimum\).*[0-9].*; \(ask for\|give\) '
	check "texts of another form" "" "$(grep -v "$form" "$tmp/texts" || true)"
	remark="$(wc -l <"$tmp/texts") texts: CPU, name, value, limit; what to do"
}

# The table of docs/refusals.md has N for each number and X for each word.
documented() {
	awk -F ' \\| ' '/end of refusals/ { exit }
		in_table && $2 ~ /^`CPU / {
			text = $2 "; " $3
			gsub(/`| \|$/, "", text)
			gsub(/[().]/, "[&]", text)
			gsub(/N/, "-?[0-9]+", text)
			gsub(/X/, "[^;]+", text)
			print "^" text "$"
		}
		/<!-- refusals/ { in_table = 1 }' refusals.md >"$tmp/table"
	check "texts that docs/refusals.md has not" "" "$(grep -v -E -f "$tmp/table" "$tmp/texts" || true)"
	remark="in docs/refusals.md, as the source has them"
}

step 1 "create with 10 sockets of at most 8: refused, nothing is created" too_many
step 2 "the text names sockets, the limit, CPU, and what to do" actionable
step 3 "create a valid VM, 2 of 4 sockets" create_valid
step 4 "it gets Ready" is_ready
step 5 "patch sockets to 5: refused, nothing changes" beyond
step 6 "the refusal is a Warning of the VM, with reason and message" warned
step 7 "patch maxSockets to 1, below the sockets: refused, unchanged" below_current
step 8 "create with 0 sockets, or fewer: refused, nothing is created" below_1
step 9 "the texts have one form" same_form
step 10 "the texts are in the documentation" documented
ctl quit
ended 0 quit
echo "the texts:"
sort -u "$tmp/texts" | indented
echo "$checks checks"
