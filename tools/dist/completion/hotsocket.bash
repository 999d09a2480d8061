# shellcheck shell=bash
# Completion for hotsocket and hotsocketctl, installed under both names. Options and commands are
# those of --help, so that none can be forgotten here. make puts what an option of hotsocket takes in
# the place of the line with @OPTIONS@; what one of hotsocketctl takes is in the table below.

_hotsocket_run=/run/hotsocket

# Sets words, the ones before the cursor's, cur and prev, in the scope of the caller. bash itself
# cuts words at = and :, these are whole.
_hotsocket_words() {
	local line=${COMP_LINE:0:COMP_POINT}

	cur=${line##*[[:blank:]]}
	read -ra words <<<"${line%"$cur"}"
	prev=${words[-1]}
	if [[ $cur == --*=* ]]; then
		prev=${cur%%=*}
		cur=${cur#*=}
	fi
}

_hotsocket_offer() { # WORD...
	mapfile -t COMPREPLY < <(compgen -W "$*" -- "$cur")
}

_hotsocket_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

# bash replaces what follows the last = or : alone.
_hotsocket_cut() {
	local breaks=${COMP_WORDBREAKS//[^=:]/}

	[[ $breaks ]] && COMPREPLY=("${COMPREPLY[@]#"${cur%"${cur##*["$breaks"]}"}"}")
}

_hotsocket_cpus() {
	local before=${cur%"${cur##*,}"} key keys=()

	for key in sockets cores threads maxSockets; do
		[[ ,$before == *,$key=* ]] || keys+=("$before$key=")
	done
	compopt -o nospace 2>/dev/null
	_hotsocket_offer "${keys[@]}"
}

_hotsocket_serial() {
	if [[ $cur == file:* || $cur == socket:* ]]; then
		cur=${cur#*:}
		_hotsocket_files
	else
		compopt -o nospace 2>/dev/null
		_hotsocket_offer stdio none file: socket:
	fi
}

_hotsocket_sockets() {
	local path

	mapfile -t COMPREPLY < <(compgen -G "$_hotsocket_run/*.sock" | sort | while read -r path; do
		[[ $path != "$cur"* ]] || echo "$path"
	done)
	[[ ${COMPREPLY[*]} ]] || _hotsocket_files
}

_hotsocket_options() { # PROGRAM
	"$1" --help 2>/dev/null |
		sed -nE 's/^ +([a-z]+ )?(--?[a-z][a-z-]*(, --?[a-z][a-z-]*)*).*/\2/p' | tr -d ,
}

_hotsocketctl_commands() { # PROGRAM
	"$1" --help 2>/dev/null | sed -nE 's/^  ([a-z]+) .*/\1/p'
}

_hotsocket() {
	local cur prev words

	_hotsocket_words
	case $prev in
	# @OPTIONS@ (vmm/config/options.def): what each takes
	*) _hotsocket_offer "$(_hotsocket_options "$1")" ;;
	esac
	_hotsocket_cut
}

# Is a command among the words?
_hotsocketctl_has_command() {
	local i

	for ((i = 1; i < ${#words[@]}; i++)); do
		case ${words[i]} in
		-s | -o | -p | --socket | --output | --patch | --timeout | --type) ((i++)) ;;
		-*) ;;
		*) return 0 ;;
		esac
	done
	return 1
}

_hotsocketctl() {
	local cur prev words

	_hotsocket_words
	case $prev in
	-s | --socket) _hotsocket_sockets ;;
	-o | --output) _hotsocket_offer yaml json ;;
	--type) _hotsocket_offer merge json ;;
	-p | --patch | --timeout) ;;
	*)
		if [[ $cur == -* ]]; then
			_hotsocket_offer "$(_hotsocket_options "$1")"
		elif ! _hotsocketctl_has_command; then
			_hotsocket_offer "$(_hotsocketctl_commands "$1")"
		fi
		;;
	esac
	_hotsocket_cut
}

complete -F _hotsocket hotsocket
complete -F _hotsocketctl hotsocketctl
