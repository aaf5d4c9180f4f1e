# shellcheck shell=bash disable=SC2154 # $work is the script's
# What tests with real tools say: one line for each check as it ends, and a table of all of them when all are done.
#
# check RELEASE NAME COMMAND... runs a command (usually a function of this directory) in a subshell with errexit on. Its
# output is shown when it fails, and then the script ends, or when $V is set.

declare -A report_results=()
report_releases=()
report_names=()
report_failures=()

# die ends a check, or the script, with what is wrong.
die() {
	printf '%s\n' "$*" >&2
	exit 1
}

# say prints what the script does now.
say() { printf '%s\n' "$*" >&2; }

check() {
	report_run "$@"
	((report_status == 0)) || exit 1
	report_note "$1" "$2" "$report_cell"
}

# try RELEASE NAME COMMAND... is a check after which the script goes on, whatever comes out. $report_status is 0 or not.
# Several may run at the same time: what came out is kept in files until report_collect.
try() {
	report_run "$@"
	report_keep "$1" "$2" "$report_cell" "$report_reason"
}

# report_keep RELEASE NAME CELL [REASON] keeps a cell for report_collect.
report_keep() {
	printf '%s\n' "$@" >"$(mktemp "$work/result.$EPOCHREALTIME.XXXXXX")"
}

# report_run runs a command as check and try do and sets $report_status, $report_cell (what the table says, which is
# what the command wrote to descriptor 3, or ok, and how long it took) and $report_reason (its last line if it failed).
report_run() {
	local release=$1 name=$2 start=$EPOCHREALTIME took log
	shift 2
	log=$(mktemp "$work/log.XXXXXX")
	report_status=0 report_reason=
	# In the background, since bash turns errexit off in what an `if` tests.
	("$@") >"$log" 2>&1 3>"$log.cell" &
	wait $! || report_status=$?
	read -r report_cell <"$log.cell" || :
	took=$(((${EPOCHREALTIME/[.,]/} - ${start/[.,]/}) / 100000))
	took=$((took / 10)).$((took % 10))s
	if ((report_status == 0)); then
		[[ ! ${V-} ]] || sed 's/^/    /' "$log" >&2
		report_cell="${report_cell:-ok} $took"
		say "ok      $release: $name ($took)"
	else
		{ echo "FAILED  $release: $name" && sed 's/^/    /' "$log"; } >&2
		report_cell="FAILED${report_cell:+ $report_cell}"
		report_reason=$(tail -n 1 "$log")
		report_reason=${report_reason:-status $report_status}
	fi
}

# report_note RELEASE NAME CELL [REASON] puts a cell into the table, with the reason if it says that something failed.
report_note() {
	report_add report_releases "$1"
	report_add report_names "$2"
	report_results["$1|$2"]=$3
	[[ ! ${4-} ]] || report_failures+=("$1: $2: $4")
}

# report_collect puts what was kept into the table, in the order in which it came out.
report_collect() {
	local file fields
	for file in "$work"/result.*; do
		[[ -s $file ]] || continue
		mapfile -t fields <"$file"
		report_note "${fields[@]}"
	done
}

# report_add appends a value to the array called $1 unless it is there.
report_add() {
	local -n report_list=$1
	local value
	for value in "${report_list[@]}"; do
		[[ $value != "$2" ]] || return 0
	done
	report_list+=("$2")
}

# report_table prints what was checked: a row for each check, a column for each release, and below what failed.
report_table() {
	local name release width=40
	for name in "${report_names[@]}"; do
		((${#name} < width - 1)) || width=$((${#name} + 2))
	done
	{
		printf "%-${width}s" 'checked'
		printf '%-14s' "${report_releases[@]}"
		printf '\n'
		for name in "${report_names[@]}"; do
			printf "%-${width}s" "$name"
			for release in "${report_releases[@]}"; do
				printf '%-14s' "${report_results["$release|$name"]:--}"
			done
			printf '\n'
		done
	} | sed 's/ *$//'
	[[ ${#report_failures[@]} == 0 ]] || printf 'FAILED  %s\n' "${report_failures[@]}"
}
