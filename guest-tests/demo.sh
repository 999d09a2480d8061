#!/bin/sh
# guest-tests/demo.sh ours|plain [APPEND]: a stock kernel grows from 2 to 8 CPUs under load, the
# ninth is refused, and four are taken away again. Runs in a folder with hotsocket, hotsocketctl,
# vmlinuz and initrd.img (tools/demo makes it). "ours": the guest runs our init, is asked after
# each step, and each answer is checked. "plain": any guest; only what hotsocket knows is shown.
set -eu

guest=$1
cd "$(dirname "$0")"
# shellcheck source=guest-tests/vm.sh
. ./vm.sh
calm= # the command is shown as a user types it

say() { echo "demo: $*"; }

# As in vm.sh, but shown: the command as the user types it, and what it prints.
show() { # ARG...
	echo
	echo "\$ hotsocketctl -s $vm.sock $*"
	ctl "$@"
	cat "$tmp/said"
	[ "$status" -eq 0 ] || echo "[exit status $status]"
}

# --- what the guest says ----------------------------------------------------------------------

keeper() { value keeper | sed "s/.*$1=\([^ ]*\).*/\1/"; }
busy() { grep -c '^worker .*progressed=yes' "$tmp/answer" || true; }

has() { # N: all N CPUs are there, with a worker each that gets on, and the keeper counts
	ask report
	[ "$(value nproc)" = "$1" ] && [ "$(busy)" = "$1" ] && [ "$(keeper ticks)" -gt "$ticks" ]
}

guest_has() { # N: asks the guest, shows its answers, checks them
	ask report # progress counts from here
	ticks=$(keeper ticks)
	sleep 1
	wait_until 60 "$1 CPUs that all work" has "$1"
	say "the guest says:"
	grep -E '^(nproc|possible|online|keeper|worker)' "$tmp/answer" | indented
	check "the CPUs that the guest may get" 0-7 "$(value possible)"
	check "the guest's nproc" "$1" "$(value nproc)"
	check "the CPUs that the guest has online" "0-$(($1 - 1))" "$(value online)"
	check "workers that get on, one per CPU" "$1" "$(busy)"
	check "the keeper's PID" "$pid" "$(keeper pid)"
	check "the keeper is alive" yes "$(keeper alive)"
	check_lscpu "$1" 1 1 "$1"
	grep -E '^(CPU\(s\)|On-line|Thread|Core|Socket)' "$tmp/answer" | indented
}

# --- the steps --------------------------------------------------------------------------------

step() { # N
	show resize "$1"
	grep '^done' "$tmp/said" >>"$tmp/summary" || failed "resize $1" "exit status 0" "$status"
}

refused() { # a ninth socket: no, and nothing changes
	before_it=$(steady_status)
	show resize 9
	check "the exit status of a resize over the limit" 1 "$status"
	check "the status after the refusal" "$before_it" "$(steady_status)"
	say "status is as before"
}

demo_ours() {
	wait_until 300 "the guest's init" ready
	say "the guest is up after $(seconds) s"
	ask report
	pid=$(keeper pid)
	guest_has 2
	for sockets in 4 6 8; do
		step $sockets
		guest_has $sockets
	done
	show status
	refused
	guest_has 8
	step 4
	guest_has 4
	echo
	say "powering the guest off"
	tell poweroff
	ended 0 "the guest's poweroff"
}

demo_plain() {
	say "this is your own guest: we do not ask it, so this is only what hotsocket knows of it"
	for sockets in 4 6 8; do
		step $sockets
		show status
	done
	refused
	show quit
	ended 0 quit
}

say "a stock kernel boots with 2 sockets of at most 8"
start sockets=2,cores=1,threads=1,maxSockets=8 "${2:-hs.work=1}"
echo "\$ hotsocket$(tr '\0' '\n' <"/proc/$(cat "$tmp/$vm.pid")/cmdline" | sed "1d; s/.* .*/'&'/" | tr '\n' ' ' | sed 's/^/ /; s/ $//')"
wait_until 30 "the control socket" listens
"demo_$guest"
echo
indented <"$tmp/summary"
say "all held: $checks checks, $(seconds) s"
