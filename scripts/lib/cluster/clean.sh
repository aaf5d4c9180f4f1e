# shellcheck shell=bash disable=SC2154 # variables are the script's
# Leaving the machine as it was found.

# clean_settings are what kubelet sets for the whole machine: it asks no namespace.
clean_settings=(vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes)

# clean_remember notes what to put back.
clean_remember() {
	local name
	for name in "${clean_settings[@]}"; do
		[[ ! -e /proc/sys/$name ]] || echo "$name $(<"/proc/sys/$name")"
	done >"$work/settings"
}

# clean_all ends the hosts and removes everything that was made, and says what is left.
clean_all() {
	local name value left
	[[ ! -d $work/hosts ]] || hosts_stop
	[[ ! -e $work/serve.pid ]] || kill "$(<"$work/serve.pid")" 2>/dev/null || :
	binfmt_restore
	cgroups_remove
	while read -r name value; do
		[[ $(<"/proc/sys/$name") == "$value" ]] || echo "$value" >"/proc/sys/$name"
	done <"$work/settings"
	left=$(clean_left)
	if [[ ! $left ]]; then
		rm -rf --one-file-system "$work"
		say 'left on the machine: nothing'
		return
	fi
	# Where something is mounted, removing would go on into what belongs to the machine.
	say "left on the machine:"$'\n'"$left"$'\n'"and therefore $work, too"
	return 1
}

# clean_left prints what there still is of the hosts on the machine, besides the files.
clean_left() {
	local name value
	awk -v work="$work" 'index($2, work) == 1 { print "mount " $2 }' /proc/mounts
	cgroups_left | sed 's/^/control group /'
	pgrep --list-full --full "$work" | sed 's/^/process /' || :
	while read -r name value; do
		[[ $(<"/proc/sys/$name") == "$value" ]] || echo "/proc/sys/$name is $(<"/proc/sys/$name"), was $value"
	done <"$work/settings"
}
