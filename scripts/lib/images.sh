# shellcheck shell=bash disable=SC2154 # $work, $version and $release_dir are the script's
# The images of a release, run by podman with runc as a node would run them: from the tar that the release holds for the
# platform, without a network.

# What images say: the name; a program in the place of the image's entry point, or - for the one it has; arguments; and
# the pattern of a line that it prints then. TAG is the image's tag without a v and without what follows a -.
images_table='
coredns                  -          -version                           CoreDNS-TAG
etcd                     -          etcd --version                     etcd Version: TAG
etcd                     etcdctl    version                            etcdctl version: TAG
etcd                     etcdutl    version                            etcdutl version: TAG
kube-apiserver           -          kube-apiserver --version           Kubernetes vTAG
kube-controller-manager  -          kube-controller-manager --version  Kubernetes vTAG
kube-proxy               -          kube-proxy --version               Kubernetes vTAG
kube-proxy               conntrack  --version                          conntrack v*
kube-proxy               iptables   --version                          iptables v*
kube-proxy               nft        --version                          nftables v*
kube-scheduler           -          kube-scheduler --version           Kubernetes vTAG
kubectl                  -          version --client                   Client Version: vTAG
metrics-server           -          --version                          vTAG
pause                    -          -v                                 pause.c *TAG*
'

# images_names ARCHITECTURE FILE writes the names of all images of the release for the architecture, a line each.
images_names() {
	local dir
	dir=$release_dir/image-tars/$(platform_dir "$1")
	[[ -d $dir ]] || die "the release has no $dir"
	find "$dir" -name '*.tar' -printf '%P\n' | sed 's/\.tar$//' | LC_ALL=C sort >"$2"
	[[ -s $2 ]] || die "$dir is empty"
	wc -l <"$2" >&3
}

# images_begin makes the directories of podman. The path of the second must be a short one.
images_begin() {
	images_storage=$work/containers
	images_state=$(mktemp -d /run/test-images.XXXXXX)
}

# images_podman runs podman with a storage of its own. runc, since crun refuses machines with both versions of cgroups.
images_podman() {
	TMPDIR=$work timeout --foreground 300 podman --root "$images_storage" --runroot "$images_state" --runtime runc --cgroup-manager cgroupfs "$@"
}

# images_end ends what runs, unmounts what podman leaves mounted, and removes both directories.
images_end() {
	local tries=20
	[[ ${images_state-} ]] || return 0
	images_podman rm --all --force --time 0 >/dev/null 2>&1 || :
	# Each container ends with a process that cleans up, which would make the directories anew.
	while ((tries-- > 0)) && grep -qslF "$images_state" /proc/[0-9]*/cmdline; do sleep 0.5; done
	awk -v below="$images_storage/" 'index($2, below) == 1 { print $2 }' /proc/self/mounts | LC_ALL=C sort -r | xargs -r -d '\n' umount --lazy || :
	rm -rf --one-file-system "$images_storage" "$images_state"
}

# image_check NAME ARCHITECTURE loads an image, compares its platform, looks at all that is in it, and runs it.
image_check() {
	local name=$1 architecture=$2 tar platform loaded root image program arguments pattern known='' tag
	tar=$release_dir/image-tars/$(platform_dir "$architecture")/$name.tar
	platform=$(platform_field "$architecture" platform)
	image_platform "$tar" "$platform"
	loaded=$(images_podman load --quiet --input "$tar") || die "podman cannot load $tar"
	echo "$loaded"
	IFS=/ read -r _ pattern _ <<<"$platform"
	# One with the architecture in its name: the other name is the same for all, which are loaded at the same time.
	[[ $loaded =~ registry\.k8s\.io/([a-z/]*/)?$name-$pattern:([^[:space:],]+) ]] || die "the tar calls the image $loaded"
	loaded=${BASH_REMATCH[0]} tag=${BASH_REMATCH[2]#v}

	root=$(images_podman image mount "$loaded")
	find "$root" -xdev -type f -printf '/%P\n' | platform_all "$architecture" "$root"
	images_podman image unmount "$loaded" >/dev/null

	while read -r image program arguments; do
		[[ $image == "$name" ]] || continue
		known=yes
		pattern=${arguments##*  }
		read -r arguments <<<"${arguments%%  *}"
		image_says "$loaded" "$platform" "$program" "$arguments" "${pattern/TAG/"${tag%%-*}"}"
	done <<<"$images_table"
	[[ $known ]] || die "what $name says is unknown: add it to images_table in scripts/lib/images.sh"
	images_podman rmi --force "$(images_podman image inspect --format '{{.Id}}' "$loaded")" >/dev/null
}

# image_platform TAR PLATFORM: both readings of the tar, docker's and OCI's under each name, are of one for the platform.
image_platform() {
	local name found readings=("docker-archive:$1")
	while read -r name; do
		readings+=("oci-archive:$1:$name")
	done < <(tar --extract --to-stdout --file "$1" index.json | jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"]')
	((${#readings[@]} > 1)) || die "$1 has no index.json that names an image"
	for name in "${readings[@]}"; do
		found=$(TMPDIR=$work skopeo inspect --config "$name" | jq -r '[.os, .architecture, .variant // empty] | join("/")') || die "skopeo cannot read $name"
		[[ $found == "$2" ]] || die "$name is for $found, not for $2"
	done
}

# image_says IMAGE PLATFORM PROGRAM ARGUMENTS PATTERN runs the image's entry point, or another program of it. The table says
# "partly" of an image with a program that qemu cannot run to its end.
image_says() {
	local line output status=0 entrypoint=() arguments what="${3/#-/its entry point} $4"
	[[ $3 == - ]] || entrypoint=(--entrypoint "$3")
	read -ra arguments <<<"$4"
	# Limits as they are by default would be raised, for which a machine that is a container itself may lack the right.
	output=$(images_podman run --rm --pull never --platform "$2" --network none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --env QEMU_CPU \
		"${entrypoint[@]}" "$1" "${arguments[@]}" 2>&1 </dev/null) || status=$?
	printf '$ %s\n%s\n' "$what" "$output"
	if [[ $status != 0 && $output == *'Protocol not supported'* && $2 != "$(platform_field "$(dpkg --print-architecture)" platform)" ]]; then
		# No qemu-user has the netlink sockets of netfilter, which nft, iptables and conntrack open before anything else.
		# That they come so far says that they and their libraries are for the platform.
		echo partly >&3
		return 0
	fi
	((status == 0)) || die "$what fails: $output"
	while read -r line; do
		# shellcheck disable=SC2053 # the pattern is one
		[[ $line != $5 ]] || return 0
	done <<<"$output"
	die "$what prints \"$output\", not \"$5\""
}

# images_cover FILE ARCHITECTURE: the release's image layout holds all images named in the file, for the architecture.
images_cover() {
	local name digest platform found missing=() layout=$release_dir/images
	platform=$(platform_field "$2" platform)
	[[ -e $layout/index.json ]] || die "the release has no $layout/index.json"
	while read -r name; do
		digest=$(jq -r --arg name "$name" '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == $name) | .digest' "$layout/index.json")
		found=
		[[ ! $digest ]] || found=$(jq -r '.manifests[].platform | [.os, .architecture, .variant // empty] | join("/")' "$layout/blobs/${digest/://}" | grep -cFx "$platform") || :
		echo "$name ${digest:-is missing}, ${found:-0} for $platform"
		[[ $found == 1 ]] || missing+=("$name")
	done <"$1"
	[[ ! ${missing[*]} ]] || die "kubeadm wants what the release does not have for $platform: ${missing[*]}"
}
