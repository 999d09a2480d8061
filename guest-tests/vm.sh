# guest-tests/vm.sh: what the demo and the Linux cases are made of. To be sourced, in a folder
# with hotsocket, hotsocketctl, vmlinuz and initrd.img. $vm names the VM that is meant.
# shellcheck shell=sh

vm=${vm:-vm1}
doing= # what the checks are part of, for the text of a failure
machine=$(uname -m)
tmp=$(mktemp -d)
mkdir -p out

# shellcheck disable=SC2317 # the trap calls it
clean() { # a VM that runs at the end of what else held is a failure
	result=$?
	for pid in "$tmp"/*.pid; do
		[ -e "$pid" ] || continue
		! kill -9 "$(cat "$pid")" 2>/dev/null || [ $result -ne 0 ] || {
			echo "FAILED: it left a VM running: ${pid##*/}"
			result=1
		}
	done
	rm -rf "$tmp" ./*.sock
	exit $result
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

indented() { sed 's/^/      /'; }

failed() { # WHAT EXPECTED FOUND
	echo
	echo "FAILED: ${doing:+$doing: }$1"
	echo "      expected: $2"
	echo "      found:    $3"
	echo "      hotsocket's log ends:"
	tail -n 10 "out/$vm.log" | indented
	echo "      the guest's console ends:"
	tail -n 30 "out/$vm.console" | tr -d '\r' | indented
	exit 1
}

checks=0
check() { # WHAT EXPECTED FOUND
	[ "$2" = "$3" ] || failed "$@"
	checks=$((checks + 1))
}

check_says() { # WHAT PATTERN...: $tmp/said holds each of them
	what=$1
	shift
	for pattern; do
		grep -q -e "$pattern" "$tmp/said" || failed "$what" "$pattern" "$(cat "$tmp/said")"
		checks=$((checks + 1))
	done
}

# A count: the first in "make test", the second in LANE=long, where there is a file that says long.
short_or_long() { grep -qs long length && echo "$2" || echo "$1"; }

# --- time -------------------------------------------------------------------------------------

milliseconds() { # of the machine's life
	read -r now _ </proc/uptime
	echo $((${now%.*} * 1000 + (1${now#*.} - 100) * 10))
}

begun=$(milliseconds)
seconds() { echo $((($(milliseconds) - begun) / 1000)); }

running() { kill -0 "$(cat "$tmp/$vm.pid")" 2>/dev/null; }

wait_until() { # SECONDS WHAT COMMAND...: with a line now and then
	limit=$(($(seconds) + $1)) what=$2 next=$(($(seconds) + 5))
	shift 2
	until "$@"; do
		running || failed "$what" "hotsocket runs" "it ended"
		[ "$(seconds)" -lt "$limit" ] || failed "$what" "it happens" "it did not, in time"
		[ "$(seconds)" -lt $next ] || {
			echo "waiting for $what ($(seconds) s)" >&2 # stdout may be the answer
			next=$(($(seconds) + 5))
		}
		sleep 0.1
	done
}

# --- the VM -----------------------------------------------------------------------------------

listens() { [ -S "$vm.sock" ]; }
ready() { tr -d '\r' <"out/$vm.console" | grep -q '^@@ready'; }

launch() { # OPTION...: returns as soon as the process runs
	mkfifo "$tmp/$vm.in" 2>/dev/null || true
	: >"out/$vm.console"
	./hotsocket "$@" <>"$tmp/$vm.in" >"out/$vm.console" 2>"out/$vm.log" &
	echo $! >"$tmp/$vm.pid"
}

# A guest may get no time for half a minute where its host is emulated, beside others. Its kernel's
# alarms about that would stand in the middle of its answers. What really hangs answers no more.
calm="nowatchdog rcupdate.rcu_cpu_stall_suppress=1 workqueue.watchdog_thresh=0"
start() { # CPUS [APPEND [OPTION...]]: launches it
	cpus=$1 append="console=ttyS0 quiet${calm:+ $calm} ${2:-}"
	[ $# -lt 2 ] || shift
	shift
	launch --kernel vmlinuz --initrd initrd.img --append "${append% }" --memory 512M \
		--cpus "$cpus" --qmp "$vm.sock" --serial stdio "$@"
}

boot() { # as start, and waits for the guest's init
	start "$@"
	wait_until 300 "the guest's init" ready
}

ended() { # STATUS HOW: hotsocket ends by itself
	limit=$(($(seconds) + 60))
	while running; do
		[ "$(seconds)" -lt "$limit" ] || failed "$2" "hotsocket ends" "it still runs after 60 s"
		sleep 0.1
	done
	status=0
	wait "$(cat "$tmp/$vm.pid")" || status=$?
	rm "$tmp/$vm.pid"
	check "hotsocket's exit status after $2" "$1" "$status"
}

ctl() { # ARG...: hotsocketctl; its output in $tmp/said, its exit status in $status
	status=0
	./hotsocketctl -s "$vm.sock" "$@" >"$tmp/said" 2>&1 || status=$?
}

resize() { # N: must work, however long it takes
	ctl resize "$1" --timeout 600
	[ "$status" -eq 0 ] || failed "resize $1" "exit status 0" "$status: $(cat "$tmp/said")"
}

# status without what differs each time: the age of an _OST
steady_status() { ./hotsocketctl -s "$vm.sock" status | sed 's/, [0-9.]* [a-z]* ago//'; }

# --- what it takes of the host ----------------------------------------------------------------

threads() { # its names; not those of which the flags say that they end, which may be joined
	cat "/proc/$(cat "$tmp/$vm.pid")/task/"*/stat 2>/dev/null |
		sed 's/^[0-9]* (//; s/) / /' | awk 'int($8 / 4) % 2 == 0 { print $1 }'
}

files() { find "/proc/$(cat "$tmp/$vm.pid")/fd" -mindepth 1 -maxdepth 1 | wc -l; }

# --- the guest's console ----------------------------------------------------------------------

answers() { grep -c '^@@end' "out/$vm.console" || true; }
answered() { [ "$(answers)" -gt "$before" ]; }

tell() { echo "$1" >"$tmp/$vm.in"; } # LINE: to the guest

ask() { # LINE: its answer is then in $tmp/answer
	before=$(answers)
	tell "$1"
	wait_until 120 "the guest's answer to '$1'" answered
	tr -d '\r' <"out/$vm.console" | awk '/^@@begin/ { text = "" ; next } /^@@end/ { last = text; next }
		!/^@@event/ { text = text $0 "\n" } END { printf "%s", last }' >"$tmp/answer"
}

value() { sed -n "s/^$1  *//p" "$tmp/answer"; }

guest_online() { # the guest's online mask, as "0-3"
	ask report
	value online
}

first_cpus() { # N: as the kernel writes it
	[ "$1" -eq 1 ] && echo 0 || echo "0-$(($1 - 1))"
}

check_online() { # N: now, not in a moment
	check "the CPUs that the guest has online" "$(first_cpus "$1")" "$(guest_online)"
	check "the guest's nproc" "$1" "$(value nproc)"
}

check_lscpu() { # CPUS THREADS CORES SOCKETS
	ask lscpu # its CPU(s) are those that the kernel calls present: on aarch64, all that may come
	[ "$machine" != x86_64 ] || check "lscpu's CPU(s)" "$1" "$(value 'CPU(s):')"
	check "lscpu's On-line CPU(s) list" "$(first_cpus "$1")" \
		"$(value 'On-line CPU(s) list:' | sed 's/^0,1$/0-1/')"
	check "lscpu's Thread(s) per core" "$2" "$(value 'Thread(s) per core:')"
	check "lscpu's Core(s) per socket" "$3" "$(value 'Core(s) per socket:')"
	check "lscpu's Socket(s)" "$4" "$(value 'Socket(s):')"
}

init_line='Run /init as init' # of the kernel's log
guest_log() { # ERE: its lines that match, and that one; all of it takes the console too long
	ask "sh dmesg | grep -E '$1|$init_line'"
	grep -q "$init_line" "$tmp/answer" ||
		failed "the guest's kernel log" "it can be read" "$(cat "$tmp/answer")"
}

ours='Ignoring hot-pluggable|APIC ID mismatch|Firmware (Bug|Warn)|ACPI (Error|BIOS)|present bit'
ours="$ours|redistributor is inaccessible|failed to (boot|come online)|companion already set"
ours="$ours|may not have shut down|BUG:"
check_dmesg() { # the guest's kernel complains of nothing that is ours
	guest_log "$ours"
	check "complaints in the guest's log" "" "$(grep -v "$init_line" "$tmp/answer" || true)"
}
