# shellcheck shell=bash disable=SC2016,SC2154 # what stands in single quotes is for the shell there; variables are the script's
# Taking nodes down, and looking at what that leaves on the hosts.

# reset_remember HOST notes what there is before Kubernetes starts.
reset_remember() {
	reset_mounts "$1" >"$work/hosts/$1/mounts"
	reset_links "$1" >"$work/hosts/$1/links"
	reset_rules "$1" >"$work/hosts/$1/rules"
}

reset_mounts() { on "$1" awk '{ print $2 }' /proc/mounts | sort; }
reset_links() { on "$1" ip -o link | awk -F': ' '{ print $2 }' | sed 's/@.*//' | sort; }
# Tables without chains filter nothing; iptables makes them to look into.
reset_rules() { on "$1" sh -c 'for t in iptables-save ip6tables-save; do "$t" | grep -E "^:KUBE|^-A" || :; done'; }

# reset_host HOST takes a host out of the cluster: drained by the cluster where there still is one, then kubeadm reset. Then
# come the steps that kubeadm says it leaves to the administrator: the network's configuration and interface, and the rules
# of kube-proxy (by its own --cleanup) and kubelet.
reset_host() {
	local host=$1 table tool
	if [[ $host != node1 ]]; then
		kube drain "$host" --ignore-daemonsets --delete-emptydir-data --force --timeout=120s
		kube delete node "$host"
	fi
	# kubeadm would ask systemd.
	unit_stop "$host" kubelet
	on "$host" kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock
	echo "kubeadm reset leaves, for the administrator: $(reset_links "$host" | comm -13 "$work/hosts/$host/links" - | tr '\n' ' ')$(reset_rules "$host" | wc -l) lines of rules"
	on "$host" ctr --namespace k8s.io run --rm --privileged --net-host "$registry/kube-proxy:$version" cleanup \
		/usr/local/bin/kube-proxy --cleanup
	echo "after kube-proxy --cleanup: $(reset_rules "$host" | wc -l) lines of rules"
	for tool in iptables ip6tables; do
		for table in filter nat mangle; do
			on "$host" sh -c '"$1" -t "$2" -F && "$1" -t "$2" -X' sh "$tool" "$table"
		done
	done
	on "$host" rm -rf /etc/cni/net.d /run/cni-ipam
	on "$host" sh -c '! ip link show cni0 >/dev/null 2>&1 || ip link delete cni0'
}

# reset_check HOST fails when something of Kubernetes is left: processes, mounts, groups, links, rules, files.
reset_check() {
	local host=$1 left
	left=$(
		on "$host" sh -c 'for p in /proc/[0-9]*; do tr "\0" " " <"$p/cmdline"; echo; done 2>/dev/null' |
			grep -E '^(/usr/libexec/qemu[^ ]* [^ ]* )?([^ ]*/)?(kube|etcd|coredns|pause|containerd-shim|web|metrics-server)' | sed 's/^/process /' || :
		reset_mounts "$host" | comm -13 "$work/hosts/$host/mounts" - | sed 's/^/mount /'
		reset_links "$host" | comm -13 "$work/hosts/$host/links" - | sed 's/^/link /'
		reset_rules "$host" | comm -13 <(sort "$work/hosts/$host/rules") <(sort) | sed 's/^/rule /'
		on "$host" sh -c 'find /etc/kubernetes /var/lib/kubelet /var/lib/etcd /etc/cni/net.d ! -type d 2>/dev/null || :' | sed 's/^/file /'
		on "$host" sh -c 'cat $(find /sys/fs/cgroup -path "*kubepods*" -name cgroup.procs) </dev/null' | sed 's/^/process in a group of pods: /'
	)
	[[ ! $left ]] || die "left on $host:"$'\n'"$left"
	echo "nothing of Kubernetes is left on $host but $(on "$host" sh -c 'find /sys/fs/cgroup -type d -path "*kubepods*" | wc -l') empty control groups"
}
