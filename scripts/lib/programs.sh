# shellcheck shell=bash disable=SC2016,SC2154 # $packages, $version and $work are the script's
# What the programs of the packages have to say in a root of any architecture. Each function takes a root and its
# architecture first, and ends with die when something is not as it should be.

# programs_install ROOT ARCHITECTURE installs all packages and what they need, the newest revision of $version.
programs_install() {
	local root=$1 package found pins=()
	for package in kubeadm kubectl kubelet; do
		found=$(inside "$root" apt-cache madison "$package" | awk -v v="${version#v}-" '{ sub(/~/, "-", $3) } index($3, v) == 1 { print $3; exit }')
		[[ $found ]] || die "the archive has no $package $version for $2"
		pins+=("$package=${found/-rc/\~rc}")
	done
	inside "$root" apt-get install --yes "${pins[@]}" kubernetes-cni cri-tools
	found=$(inside "$root" dpkg --audit)
	[[ ! $found ]] || die "dpkg --audit: $found"
	for package in "${packages[@]}"; do
		found=$(inside "$root" dpkg-query --show --showformat '${db:Status-Abbrev} ${Architecture}' "$package")
		[[ $found == "ii  $2" ]] || die "$package is \"$found\", not installed for $2"
	done
}

# programs_version ROOT PACKAGE prints the upstream version of what is installed.
programs_version() {
	inside "$1" dpkg-query --show --showformat '${Version}' "$2" | sed 's/-[^-]*$//; s/~/-/'
}

# programs_say PATTERN COMMAND... runs a command, the first line of whose output must match the pattern.
programs_say() {
	local pattern=$1 output status=0
	shift
	output=$("$@" 2>&1) || status=$?
	printf '$ %s\n%s\n' "${*:3}" "$output"
	((status == 0)) || die "${*:3} ends with status $status: ${output##*$'\n'}"
	# shellcheck disable=SC2053 # the pattern is one
	[[ ${output%%$'\n'*} == $pattern ]] || die "${*:3} prints \"${output%%$'\n'*}\", not \"$pattern\""
}

# programs_platform ARCHITECTURE COMMAND... runs a command that says in JSON what platform it was compiled for. Go knows
# no variants there.
programs_platform() {
	local platform output
	platform=$(platform_field "$1" platform)
	output=$("${@:2}") || die "${*:4}: $output"
	[[ $output =~ \"platform\":\ *\"([^\"]*)\" ]] || die "${*:4} names no platform: $output"
	[[ ${BASH_REMATCH[1]} == "${platform%/v*}" ]] || die "${*:4} is for ${BASH_REMATCH[1]}, not ${platform%/v*}"
	echo "${*:4}: platform ${BASH_REMATCH[1]}"
}

programs_kubeadm() {
	programs_say "$version" inside "$1" kubeadm version -o short
	programs_platform "$2" inside "$1" kubeadm version -o json
}

programs_kubelet() { programs_say "Kubernetes $version" inside "$1" kubelet --version; }

programs_kubectl() {
	programs_say "Client Version: $version" inside "$1" kubectl version --client
	programs_platform "$2" inside "$1" kubectl version --client -o json
}

programs_crictl() { programs_say "crictl version v$(programs_version "$1" cri-tools)" inside "$1" crictl --version; }

# programs_images ROOT ARCHITECTURE FILE writes the images that kubeadm wants into a file, a line each.
programs_images() {
	local list=$3 command=(kubeadm config images list --kubernetes-version "$version") name
	if ! inside "$1" "${command[@]}" >"$list" 2>"$list.err"; then
		# kubeadm looks at the network interfaces even here. The qemu of Debian 12 (7.2; not that of 13) cannot tell a
		# big-endian program of them; one that is given the address does not look.
		grep -q parsenetlinkrouteattr "$list.err" || die "${command[*]}: $(<"$list.err")"
		printf '%s\n' 'apiVersion: kubeadm.k8s.io/v1beta4' 'kind: InitConfiguration' 'localAPIEndpoint: {advertiseAddress: 192.0.2.1}' '---' \
			'apiVersion: kubeadm.k8s.io/v1beta4' 'kind: ClusterConfiguration' "kubernetesVersion: $version" >"$1/tmp/kubeadm.yaml"
		echo "qemu does not know this machine's network: the images are listed with an address"
		inside "$1" kubeadm config images list --config /tmp/kubeadm.yaml >"$list" || die 'kubeadm config images list --config failed'
	fi
	cat "$list"
	for name in kube-apiserver kube-controller-manager kube-scheduler kube-proxy; do
		grep -qx ".*/$name:$version" "$list" || die "kubeadm wants no $name:$version"
	done
	for name in coredns/coredns etcd pause; do
		grep -q "/$name:." "$list" || die "kubeadm wants no $name"
	done
}

# programs_plugins ROOT: every CNI plugin of the package says which versions of CNI it speaks, and which one it is.
programs_plugins() {
	local root=$1 plugin cni answer answered=0 all wrong=()
	cni=$(programs_version "$root" kubernetes-cni)
	mapfile -t all < <(inside "$root" dpkg --listfiles kubernetes-cni | grep '^/opt/cni/bin/')
	for plugin in "${all[@]}"; do
		answer=$(echo '{"cniVersion":"1.0.0"}' | inside "$root" env CNI_COMMAND=VERSION "$plugin" 2>&1) || :
		printf '%s: %s\n' "$plugin" "$answer"
		if [[ $answer != *'"supportedVersions":['*'"1.0.0"'* ]]; then
			wrong+=("${plugin##*/} answers \"$answer\"")
			continue
		fi
		answer=$(inside "$root" "$plugin" 2>&1 </dev/null | head -n 1) || :
		if [[ $answer == "CNI ${plugin##*/} plugin v$cni" ]]; then
			answered=$((answered + 1))
		else
			wrong+=("${plugin##*/} calls itself \"$answer\", not v$cni")
		fi
	done
	echo "$answered/${#all[@]}" >&3
	((${#all[@]} > 0 && ${#wrong[@]} == 0)) || die "${wrong[*]:-the package holds no plugins}"
}

# programs_elf ROOT ARCHITECTURE: every program and library of the packages is for the architecture.
programs_elf() {
	inside "$1" dpkg --listfiles "${packages[@]}" | platform_all "$2" "$1"
}
