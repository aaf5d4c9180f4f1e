# shellcheck shell=bash disable=SC2154 # $work is the script's
# What test-apt says: one line for each check as it ends, and a table of all of them when all are done.
#
# check RELEASE NAME COMMAND... runs a command (usually a function of this directory) in a subshell with errexit on. Its
# output is shown when it fails, and then the script ends, or when $V is set.

declare -A report_results=()
report_releases=()
report_names=()

# die ends a check, or the script, with what is wrong.
die() {
	printf '%s\n' "$*" >&2
	exit 1
}

# say prints what the script does now.
say() { printf '%s\n' "$*" >&2; }

check() {
	local release=$1 name=$2 start=$EPOCHREALTIME took log
	shift 2
	log=$(mktemp "$work/log.XXXXXX")
	# In the background, since bash turns errexit off in what an `if` tests.
	("$@") >"$log" 2>&1 &
	if ! wait $!; then
		say "FAILED  $release: $name"
		sed 's/^/    /' "$log" >&2
		exit 1
	fi
	[[ ! ${V-} ]] || sed 's/^/    /' "$log" >&2
	took=$(((${EPOCHREALTIME/[.,]/} - ${start/[.,]/}) / 100000))
	took=$((took / 10)).$((took % 10))s
	say "ok      $release: $name ($took)"
	report_add report_releases "$release"
	report_add report_names "$name"
	report_results["$release|$name"]="ok $took"
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

# report_table prints what was checked: a row for each check, a column for each release.
report_table() {
	local name release
	{
		printf '%-52s' 'checked'
		printf '%-16s' "${report_releases[@]}"
		printf '\n'
		for name in "${report_names[@]}"; do
			printf '%-52s' "$name"
			for release in "${report_releases[@]}"; do
				printf '%-16s' "${report_results["$release|$name"]:--}"
			done
			printf '\n'
		done
	} | sed 's/ *$//'
}
