# shellcheck shell=bash disable=SC2154 # variables are the script's
# A host of another architecture: all of it is for that one, and the kernel starts its programs with qemu-user by binfmt_misc
# (binfmt.sh). qemu-user translates system calls, and four that a node needs it refuses (7.2, Debian 12):
#   prctl(2) with PR_SET_CHILD_SUBREAPER, EINVAL: containerd's shim makes the processes of a container its own with it
#   clone(2) with CLONE_PARENT, EINVAL: runc starts the first process of a container with it
#   sockets of NETLINK_NETFILTER: nft and iptables, which kube-proxy runs, speak to the kernel through one
#   prctl(2) with PR_GET_SECCOMP, EINVAL: containerd takes it that there is no seccomp, and kubelet wants it for every sandbox
#   ("failed to generate seccomp spec opts: seccomp is not supported") but those of privileged pods
# So shim, runc and the program behind iptables are the machine's own there, and its pods are privileged. Libraries lie in
# the directories that Debian has for the machine's architecture, which those of another one do not use.

# mixed_base ARCHITECTURE unpacks the root of such hosts to $work/base-ARCHITECTURE.
mixed_base() {
	local tarball
	tarball=$(chroot_make trixie "$base_packages" "$1")
	chroot_unpack "$tarball" "$work/base-$1"
	mixed_native "$work/base-$1"
}

# mixed_native ROOT puts the machine's own programs there, out of $work/base, with what iptables loads as it runs.
mixed_native() {
	local file files
	[[ -e $1/lib64 ]] || { mkdir -p "$1/usr/lib64" && ln -s usr/lib64 "$1/lib64"; }
	mapfile -t files < <(inside "$work/base" find /usr/lib -path '*/xtables/*.so')
	files+=(/usr/bin/containerd-shim-runc-v2 /usr/sbin/runc /usr/sbin/xtables-nft-multi)
	while read -r file; do
		mkdir -p "$1${file%/*}"
		cp --dereference --remove-destination "$work/base$file" "$1$file"
	done < <(
		printf '%s\n' "${files[@]}"
		inside "$work/base" ldd "${files[@]}" | grep -o '\s/[^ :]*\s' | sort -u
	)
}

# mixed_proxy HOST gives kube-proxy on nodes of the other architecture the machine's own iptables: a second DaemonSet, the
# same but for these files of the host; the first one keeps to the machine's architecture.
mixed_proxy() {
	local arch libraries
	arch=$(kube get node "$1" -o 'jsonpath={.status.nodeInfo.architecture}')
	libraries=$(inside "$work/base" find /usr/lib -name xtables -type d)
	libraries=${libraries%/xtables}
	kube --namespace kube-system get daemonset kube-proxy -o yaml |
		sed -e '/resourceVersion:/d' -e '/^  uid:/d' -e '/^status:/,$d' -e 's/k8s-app: kube-proxy/k8s-app: kube-proxy-mixed/' \
			-e 's/^  name: kube-proxy/  name: kube-proxy-mixed/' | host_write node1 /tmp/kube-proxy-mixed.yaml
	kube patch --local --filename /tmp/kube-proxy-mixed.yaml --output yaml --patch "$(fill kube-proxy-mixed.yaml ARCH="$arch" LIBRARIES="$libraries")" |
		host_write node1 /tmp/kube-proxy-patched.yaml
	kube apply --filename /tmp/kube-proxy-patched.yaml
	kube --namespace kube-system patch daemonset kube-proxy --patch \
		"{\"spec\":{\"template\":{\"spec\":{\"nodeSelector\":{\"kubernetes.io/arch\":\"$(dpkg --print-architecture)\"}}}}}"
}

# mixed_everywhere starts the workload on every node by one reference, and shows what each got.
mixed_everywhere() {
	local address answers
	fill web-everywhere.yaml IMAGE="$registry/e2e/web:v1" | host_write node1 /tmp/web-everywhere.yaml
	kube apply --filename /tmp/web-everywhere.yaml
	kube rollout status daemonset/everywhere --timeout=900s
	answers=$(for address in $(kube get pods --selector app=everywhere -o 'jsonpath={.items[*].status.podIP}'); do
		on node1 web get "http://$address:8080/"
	done)
	echo "$answers"
	(($(awk '{ print $3 }' <<<"$answers" | sort -u | wc -l) == 2)) || die "not two platforms: $answers"
	(($(awk '{ print $2 }' <<<"$answers" | sort -u | wc -l) == 2)) || die "not two machines: $answers"
}
