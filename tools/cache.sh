# tools/cache.sh: Debian packages, unpacked in a cache outside the repository. apt's own SHA-256 is
# checked when they come, and the sums of all their files at each call. To be sourced after
# "set -eu"; then the caller defines say() and
#	wanted()	prints "PACKAGE SHA256" for each package, nothing when apt offers none
#	name()		reads that, prints the name of the folder that shall hold it
#	unpack TMP	makes TMP/new of TMP/*.deb
# and calls cache_open, then cache_find.
# shellcheck shell=sh

cache_open() { # KIND ARCH: sets deb, Debian's name of ARCH; one caller at a time gets further
	case $2 in
	x86_64) deb=amd64 ;;
	aarch64) deb=arm64 ;;
	*) say "unknown architecture '$2' (there are: x86_64 aarch64)" && exit 2 ;;
	esac
	cache=${HOTSOCKET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hotsocket}/$1/$2
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock 9
	rm -rf "$cache"/tmp.*
}

sound() { # DIR: all files are there and as they came
	[ -f "$1/sums" ] && (cd "$1" && sha256sum --check --status sums 2>/dev/null)
}

download() { # TMP: what TMP/wanted names
	sandbox=root
	[ "$(id -u)" -eq 0 ] || sandbox=_apt
	# shellcheck disable=SC2046 # a list of packages
	set -- "$1" $(sed "s/ .*/:$deb/" "$1/wanted")
	tmp=$1
	shift
	say "downloading $*"
	(cd "$tmp" && apt-get download -qq -o "APT::Sandbox::User=$sandbox" "$@" >&2) || return 1
	[ "$(sha256sum "$tmp"/*.deb | cut -d ' ' -f 1 | sort)" = "$(sed 's/.* //' "$tmp/wanted" | sort)" ] || {
		say "a download does not have the SHA-256 that apt's lists name"
		return 1
	}
}

seal() { # DIR
	(cd "$1" && find . -type f -exec sha256sum {} +) >"$1.sums" && mv "$1.sums" "$1/sums"
}

offered() { # what apt offers, downloaded unless it is there; sets dir, which appears whole or not
	list=$(wanted)
	[ "$list" ] || return 1
	dir=$cache/$(echo "$list" | name)
	! sound "$dir" || return 0
	[ ! -d "$dir" ] || say "$dir is damaged; fetching it again"
	tmp=$(mktemp -d "$cache/tmp.XXXXXX") &&
		echo "$list" >"$tmp/wanted" && download "$tmp" && unpack "$tmp" && seal "$tmp/new" &&
		rm -rf "$dir" && mv "$tmp/new" "$dir" && rm -rf "$tmp"
}

cached() { # PREFIX: the newest sound folder of the cache whose name begins so; sets dir
	for dir in $(find "$cache" -mindepth 1 -maxdepth 1 -name "$1*" | sort -rV); do
		sound "$dir" && say "apt offers none now; using ${dir##*/} from the cache" && return 0
	done
	return 1
}

update() {
	say "updating apt's lists"
	[ "$(id -u)" -eq 0 ] && apt-get update -qq >&2 && return 0
	sudo -n apt-get update -qq >&2 2>/dev/null && return 0
	say "could not; as root, run: apt-get update"
	return 1
}

cache_find() { # PREFIX WHAT: sets dir, or ends the program
	offered || cached "$1" || { update && offered; } || {
		say "apt offers no $2, and $cache has none"
		[ "$deb" = "$(dpkg --print-architecture)" ] || dpkg --print-foreign-architectures | grep -qx "$deb" ||
			say "apt does not know $deb; as root, run: dpkg --add-architecture $deb && apt-get update"
		exit 1
	}
}
