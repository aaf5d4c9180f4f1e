# shellcheck shell=bash disable=SC2154 # variables are the script's
# Kubernetes on the hosts: packages, kubeadm, the network between pods.

# kube COMMAND... runs kubectl on the first host.
kube() { on node1 kubectl "$@"; }

# fill FILE NAME=VALUE... prints a file of scripts/e2e with @NAME@ replaced by the value.
fill() {
	local file=$e2edir/$1 pair expressions=()
	shift
	for pair in "$@"; do expressions+=(-e "s|@${pair%%=*}@|${pair#*=}|g"); done
	sed "${expressions[@]}" "$file"
}

# packages_install HOST installs the packages with apt as the README says. Debian's sources are out of the way, for
# nothing but the archive can be reached.
packages_install() {
	local host=$1 suite=$2 sources=/etc/apt/sources.list.d/kubernetes.sources keyring
	# shellcheck disable=SC2016 # the shell there expands it
	on "$host" sh -c 'rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apt/apt.conf.d/90test'
	on switch true
	host_write "$host" "$sources" <"$archive/dists/$suite/kubernetes.sources"
	on "$host" sed -i "s|^URIs:.*|URIs: http://$apt|" "$sources"
	keyring=$(on "$host" sed -n 's/^Signed-By: *//p' "$sources")
	host_write "$host" "$keyring" <"$archive/kubernetes-archive-keyring.${keyring##*.}"
	on "$host" apt-get update
	on "$host" apt-get install --yes --no-install-recommends "${packages[@]/%//$suite}"
	on "$host" kubeadm version -o short | grep -qx "$version" || die "kubeadm is not $version: $(on "$host" kubeadm version -o short)"
}

# kubernetes_init makes the first host a control plane, with all phases of kubeadm.
kubernetes_init() {
	fill kubeadm-init.yaml ADDRESS="$(<"$work/hosts/node1/address")" VERSION="$version" REGISTRY="$registry" PROXYMODE="$proxy_mode" |
		host_write node1 /etc/kubeadm.yaml
	on node1 kubeadm init --config /etc/kubeadm.yaml --ignore-preflight-errors="$(preflight_ignored)"
}

# preflight_ignored prints the checks of kubeadm that the machine, not what was released, does not pass. What is not among
# them has to be fine.
preflight_ignored() {
	local ignored=()
	# With cgroups of version 1 kubeadm asks for this to be ignored, beside failCgroupV1: false. It also reads the kernel's
	# configuration there, which some machines do not tell.
	if cgroups_v1 || [[ ! -e /proc/config.gz ]]; then ignored+=(SystemVerification); fi
	# Swap belongs to the machine.
	(($(wc -l </proc/swaps) == 1)) || ignored+=(Swap)
	(($(nproc) >= 2)) || ignored+=(NumCPU)
	(IFS=, && echo "${ignored[*]}")
}

# kubernetes_join HOST makes it a node.
kubernetes_join() {
	local host=$1 line
	line=$(on node1 kubeadm token create --print-join-command)
	[[ $line =~ --token\ ([^ ]+).*--discovery-token-ca-cert-hash\ ([^ ]+) ]] || die "no token in: $line"
	fill kubeadm-join.yaml SERVER="$(<"$work/hosts/node1/address")" TOKEN="${BASH_REMATCH[1]}" HASH="${BASH_REMATCH[2]}" \
		ADDRESS="$(<"$work/hosts/$host/address")" | host_write "$host" /etc/kubeadm.yaml
	on "$host" kubeadm join --config /etc/kubeadm.yaml --ignore-preflight-errors="$(preflight_ignored)"
	# kubeadm ends when kubelet has its certificate. Then kubelet makes itself a node.
	wait_for 600 "node $host" kube get node "$host"
}

# network_connect HOST waits for kube-proxy, without which the first pods would call in vain, gives the host's pods
# addresses of the range that the cluster has for the node, and hosts routes to those of others. Plugins bridge, host-local
# and portmap of our package do the rest.
network_connect() {
	local host=$1 other range
	wait_for 900 "kube-proxy on $host" proxy_ready "$host"
	wait_for 120 "a range of addresses for $host" node_range "$host"
	for other in $(hosts_names); do
		[[ $other != "$host" ]] || continue
		plug "$other" ip route replace "$(node_range "$host")" via "$(<"$work/hosts/$host/address")"
		! range=$(node_range "$other" 2>/dev/null) || plug "$host" ip route replace "$range" via "$(<"$work/hosts/$other/address")"
	done
	range=$(node_range "$host")
	fill pod-network.conflist PODCIDR="$range" | host_write "$host" /etc/cni/net.d/10-pods.conflist
	kube wait --for=condition=Ready "node/$host" --timeout=600s
}

# proxy_ready HOST: kube-proxy runs there. It is in the host's network and waits for no other.
proxy_ready() {
	[[ $(kube --namespace kube-system get pods --selector 'k8s-app in (kube-proxy, kube-proxy-mixed)' --field-selector "spec.nodeName=$1" \
		-o 'jsonpath={.items[*].status.containerStatuses[0].ready}') == true ]]
}

# node_range HOST prints the addresses that the cluster has for pods on the node; none is a failure.
node_range() { kube get node "$1" -o 'jsonpath={.spec.podCIDR}' | grep .; }

# system_ready waits for kube-proxy on all nodes and for CoreDNS.
system_ready() {
	kube --namespace kube-system rollout status daemonset/kube-proxy --timeout=300s
	kube --namespace kube-system rollout status deployment/coredns --timeout=300s
	kube get nodes -o wide
	kube --namespace kube-system get pods -o wide
}
