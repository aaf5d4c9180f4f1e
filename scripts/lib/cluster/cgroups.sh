# shellcheck shell=bash disable=SC2154 # $cgroup is the script's
# The control groups of the hosts: $cgroup/NAME in every hierarchy that the machine has mounted. In version 2 the processes
# of a host itself are one level deeper, since a group with controllers for its children may hold none.

# cgroups_mounts prints where each hierarchy is mounted and its type.
cgroups_mounts() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $2, $3 }' /proc/mounts; }

# cgroups_v1 says whether the controllers are those of version 1.
cgroups_v1() { [[ $(stat --file-system --format=%T /sys/fs/cgroup) != cgroup2fs ]]; }

# cgroups_make NAME makes the groups of a host.
cgroups_make() {
	local mount type dir
	while read -r mount type; do
		for dir in "$mount/$cgroup" "$mount/$cgroup/$1"; do
			[[ $type != cgroup2 ]] || cgroups_delegate "${dir%/*}"
			mkdir -p "$dir"
			# A new cpuset of version 1 has no processors and no memory, and takes no process.
			if [[ -e $dir/cpuset.cpus && $type == cgroup ]]; then
				cat "${dir%/*}/cpuset.cpus" >"$dir/cpuset.cpus"
				cat "${dir%/*}/cpuset.mems" >"$dir/cpuset.mems"
				echo 1 >"$dir/cgroup.clone_children"
			fi
		done
	done < <(cgroups_mounts)
}

# cgroups_delegate DIR gives the children of a group of version 2 all controllers that it has.
cgroups_delegate() {
	local controller
	for controller in $(<"$1/cgroup.controllers"); do
		echo "+$controller" >"$1/cgroup.subtree_control" 2>/dev/null || :
	done
}

# cgroups_settle NAME takes the processes of a host one level down where there is version 2: its namespace begins at the
# group that it was started in, and that must be free of processes before its children get controllers.
cgroups_settle() {
	local mount type process
	while read -r mount type; do
		[[ $type == cgroup2 ]] || continue
		mkdir -p "$mount/$cgroup/$1/init"
		while read -r process; do
			echo "$process" >"$mount/$cgroup/$1/init/cgroup.procs"
		done <"$mount/$cgroup/$1/cgroup.procs"
		cgroups_delegate "$mount/$cgroup/$1"
	done < <(cgroups_mounts)
}

# cgroups_run NAME COMMAND... replaces this shell by the command, run in the groups of the host.
cgroups_run() {
	local mount type dir name=$1
	shift
	while read -r mount type; do
		dir=$mount/$cgroup/$name
		[[ ! -d $dir/init ]] || dir+=/init
		echo "$BASHPID" >"$dir/cgroup.procs"
	done < <(cgroups_mounts)
	exec "$@"
}

# cgroups_left prints the groups of the hosts.
cgroups_left() {
	local mount type
	while read -r mount type; do
		[[ ! -d $mount/$cgroup ]] || find "$mount/$cgroup" -type d
	done < <(cgroups_mounts)
}

# cgroups_remove removes them all; processes in them have ended.
cgroups_remove() {
	local mount type
	while read -r mount type; do
		[[ ! -d $mount/$cgroup ]] || find "$mount/$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null || :
	done < <(cgroups_mounts)
}
