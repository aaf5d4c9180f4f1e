# shellcheck shell=bash disable=SC2154 # $work and $libdir are the script's
# Hosts: each has a root of its own and network, mount, pid, uts, ipc and cgroup namespaces of its own, and lives as long
# as its process 1. What is known of one stands in $work/hosts/NAME: pid, address, unshare (the process whose end ends the host), upper (what
# it wrote).
#
# One of them, the switch, holds the bridge that the others are plugged into. No cable leads from there to the machine, so
# that nothing a host sends can get out.

# hosts_net is the network of the hosts; the switch has its first address.
hosts_net=192.168.42
switch=$hosts_net.1

# host_start NAME ADDRESS BASE starts a host over the root BASE, which is not written to, and plugs it in.
host_start() {
	local name=$1 address=$2 base=$3 dir=$work/hosts/$1 pid i
	mkdir -p "$dir/upper" "$dir/overlay" "$dir/root" "$dir/containerd"
	echo "$address" >"$dir/address"
	cgroups_make "$name"
	cgroups_run "$name" unshare --mount --net --pid --uts --ipc --cgroup --fork --kill-child \
		"$libdir/cluster/host-init" "$name" "$base" "$dir" >"$dir/init.log" 2>&1 &
	echo $! >"$dir/unshare"
	for ((i = 0; i < 300; i++)); do
		[[ ! -e $dir/ready ]] || break
		kill -0 $! 2>/dev/null || die "host $name did not start: $(<"$dir/init.log")"
		sleep 0.1
	done
	[[ -e $dir/ready ]] || die "host $name is not ready after 30 s: $(<"$dir/init.log")"
	# The file ends without a new line: read would not call that a success.
	pid=$(awk '{ print $1 }' "/proc/$!/task/$!/children")
	echo "$pid" >"$dir/pid"
	cgroups_settle "$name"
	if [[ $name == switch ]]; then
		on switch ip link add bridge type bridge
		on switch ip address add "$address/24" dev bridge
		on switch ip link set bridge up
	else
		# The pid is one of the machine.
		plug switch ip link add "$name" type veth peer name eth0 netns "$pid"
		on switch ip link set "$name" master bridge up
		host_address "$name"
	fi
}

# host_address NAME gives eth0 its address. The default route leads to the switch, which forwards nothing: programs look
# for one to find out which address is theirs.
host_address() {
	plug "$1" ip address add "$(<"$work/hosts/$1/address")/24" dev eth0
	plug "$1" ip link set eth0 up
	plug "$1" ip route add default via "$switch"
}

# on NAME COMMAND... runs a command in a host, in its cgroups, with nothing of the environment.
on() (
	name=$1
	shift
	cgroups_run "$name" nsenter --target "$(<"$work/hosts/$name/pid")" --mount --net --pid --uts --ipc --cgroup \
		env --ignore-environment PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		TERM=dumb DEBIAN_FRONTEND=noninteractive KUBECONFIG=/etc/kubernetes/admin.conf ${QEMU_CPU:+"QEMU_CPU=$QEMU_CPU"} "$@"
)

# plug NAME COMMAND... runs a program of the machine in a host's network.
plug() {
	local name=$1
	shift
	nsenter --target "$(<"$work/hosts/$name/pid")" --net "$@"
}

# host_write NAME PATH writes standard input to a file there, whole or not at all: some are watched.
# shellcheck disable=SC2016 # the shell there expands it
host_write() { on "$1" sh -c 'mkdir -p "${1%/*}" && cat >"$1.new" && mv "$1.new" "$1"' sh "$2"; }

# host_daemon NAME LOG COMMAND... starts a process there that stays; its output goes to LOG there.
host_daemon() {
	local name=$1 log=$2
	shift 2
	# shellcheck disable=SC2016 # the shell there expands it
	on "$name" setsid sh -c 'log=$1; shift; exec "$@" >>"$log" 2>&1 </dev/null' sh "$log" "$@" >/dev/null 2>&1 &
	# shellcheck disable=SC2034 # for whoever wants to stop it
	daemon=$!
}

# hosts_names prints the hosts that are up, without the switch.
hosts_names() {
	local dir
	for dir in "$work"/hosts/*/; do
		dir=${dir%/}
		[[ ! -e $dir/pid || ${dir##*/} == switch ]] || echo "${dir##*/}"
	done
}

# hosts_stop ends every host, with all that runs there, mounts and networks.
hosts_stop() {
	local dir
	for dir in "$work"/hosts/*/; do
		[[ ! -e $dir/unshare ]] || { kill -KILL "$(<"$dir/unshare")" 2>/dev/null || :; }
		[[ ! -e $dir/pid ]] || wait_gone "$(<"$dir/pid")"
	done
}

# wait_gone PID waits for a process that need not be a child of this shell.
wait_gone() {
	local i
	for ((i = 0; i < 100; i++)); do
		[[ -e /proc/$1/stat && $(awk '{ print $3 }' "/proc/$1/stat" 2>/dev/null) != [ZX] ]] || return 0
		sleep 0.1
	done
	say "process $1 does not end"
}
