# case.sh: tests written in sh or bash, counted by tools/unit. A test is a function; it fails by the
# first command in it that fails. Sourced with $B and $ARCH as the Makefile has them.
# shellcheck shell=sh
ARCH=${ARCH:-$(uname -m)}
B=${B:-build/$ARCH}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT

# Here this cannot be shown, because...
skip() {
	echo "$*" >"$dir.why"
	exit 77
}

need() { # PROGRAM PACKAGE
	command -v "$1" >/dev/null || skip "no $1 here (Debian package $2)"
}

say() { # TEXT, of what is wrong
	echo "$*"
	false
}

equal() { # FOUND EXPECTED
	[ "$1" = "$2" ] || say "expected: $2
found: $1"
}

one_case() { # NAME
	set +e # so that the function runs outside of any condition, where set -e means something
	(set -e && "$1")
	case $? in
	0) echo "[       OK ] $1" ;;
	77) echo "[  SKIPPED ] $1: $(cat "$dir.why")" && rm -f "$dir.why" ;;
	*) echo "[ FAILING ] $1" && bad=$((bad + 1)) ;;
	esac
}

cases() { # NAME...
	bad=0
	for name; do one_case "$name"; done
	[ "$bad" -eq 0 ] || echo "[  FAILED  ] $bad test(s)"
	exit "$bad"
}
