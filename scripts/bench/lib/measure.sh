# shellcheck shell=bash disable=SC2034,SC2154 # $work is the script's
# Times commands and judges the results.

declare -A measured=() # "name|wall", "name|user", "name|sys" in seconds, "name|mb" of the largest process
failed=0

# measure NAME COMMAND... runs a command and notes what it cost. The last run of a name counts, but for measure_best.
measure() {
	local name=$1 wall user sys kb
	shift
	sync
	/usr/bin/time -o "$work/time" -f '%e %U %S %M' "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; die "$name failed"; }
	read -r wall user sys kb <"$work/time"
	measured[$name|wall]=$wall measured[$name|user]=$user measured[$name|sys]=$sys measured[$name|mb]=$((kb / 1024))
}

# measure_best NAME COMMAND... runs a command again under the same name, and keeps the least of each cost: what short
# commands cost beside that comes from others on the machine.
measure_best() {
	local name=$1 what before=()
	for what in wall user sys mb; do before+=("${measured[$name|$what]-}"); done
	measure "$@"
	for what in wall user sys mb; do
		measured[$name|$what]=$(awk -v a="${before[0]}" -v b="${measured[$name|$what]}" 'BEGIN { print (a != "" && a + 0 < b + 0 ? a : b) }')
		before=("${before[@]:1}")
	done
}

# row NAME TEXT prints what was noted.
row() {
	local name=$1
	[[ ${measured[$name|wall]-} ]] || return 0
	printf '%-58s %8.2f %8.2f %8.2f %6d\n' "$2" "${measured[$name|wall]}" "${measured[$name|user]}" "${measured[$name|sys]}" "${measured[$name|mb]}"
}

head_row() { printf '\n%-58s %8s %8s %8s %6s\n' "$1" wall user sys MB; }

# at_most WHAT VALUE LIMIT prints a value and its limit, each an expression of awk, and notes when it is above.
at_most() {
	local verdict
	verdict=$(awk 'BEGIN { v = '"$2"'; l = '"$3"'; printf "%9.3f  at most %8.3f  %s", v, l, v <= l ? "ok" : "TOO MUCH" }') || die "at_most $*"
	printf '  %-56s %s\n' "$1" "$verdict"
	[[ $verdict == *ok ]] || failed=1
}

# cost NAME WHAT is a value that was noted, never nothing: clocks tick in hundredths.
cost() { awk -v v="${measured[$1|$2]}" 'BEGIN { print (v > 0.005 ? v : 0.005) }'; }
