# shellcheck shell=bash disable=SC2034,SC2154 # $work, $kubedist, $platforms and $small are the script's
# Real registries on loopback, with what they serve, and the clients that look at it.

# layouts_make compiles a program that says where it runs, and writes image layouts of it: $work/release/images (two images
# for all platforms), $work/changed (another image under a name of those), $work/big (three times 32 MB).
layouts_make() {
	local platform arch variant programs=() few=()
	printf '%s\n' 'package main' 'import ("fmt"; "runtime")' 'func main() { fmt.Println("hello from " + runtime.GOOS + "/" + runtime.GOARCH) }' >"$work/hello.go"
	for platform in "${platforms[@]}"; do
		IFS=/ read -r _ arch variant <<<"$platform"
		CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOARM=${variant#v} go build -trimpath -ldflags='-s -w' -o "$work/hello-$arch" "$work/hello.go"
		programs+=("$platform=$work/hello-$arch")
	done
	for platform in "${small[@]}"; do
		IFS=/ read -r _ arch _ <<<"$platform"
		few+=("$platform=$work/hello-$arch")
	done
	go build -o "$work/imagelayout" ./scripts/lib/imagelayout
	mkdir -p "$work/release"
	"$work/imagelayout" "$work/release/images" registry.k8s.io/hello:v1 "${programs[@]}"
	"$work/imagelayout" "$work/release/images" registry.k8s.io/sub/other:v2 "${programs[@]}"
	PAYLOAD=1000 "$work/imagelayout" "$work/changed" registry.k8s.io/hello:v1 "${programs[@]}"
	PAYLOAD=32000000 "$work/imagelayout" "$work/big" registry.k8s.io/big:v1 "${few[@]}"
}

declare -A registry_pids=() registry_hosts=()

# registry_start KIND starts Debian's docker-registry and sets $host: plain; password, with the user pusher and the password
# secret; tls, with a certificate of $work/ca.pem. Started again, one has the address and the content that it had.
registry_start() {
	local kind=$1 dir=$work/registry-$1
	mkdir -p "$dir"
	host=${registry_hosts[$kind]:-}
	[[ $host ]] || host=127.0.0.1:$(free_port)
	registry_hosts[$kind]=$host
	{
		printf '%s\n' 'version: 0.1' 'log: {level: info}' 'storage:' "  filesystem: {rootdirectory: $dir/storage}" 'http:' "  addr: $host"
		case $kind in
		tls)
			[[ -e $work/ca.pem ]] || registry_certificate
			printf '  tls: {certificate: %s, key: %s}\n' "$work/server.pem" "$work/server.key"
			;;
		password)
			# shellcheck disable=SC2016 # perl's, and the salt of a hash
			printf 'pusher:%s\n' "$(perl -e 'print crypt("secret", q($2y$05$abcdefghijklmnopqrstuu))')" >"$dir/htpasswd"
			printf '%s\n' 'auth:' "  htpasswd: {realm: test, path: $dir/htpasswd}"
			;;
		esac
	} >"$dir/config.yml"
	docker-registry serve "$dir/config.yml" >>"$dir/log" 2>&1 &
	# A check is a subshell, and may start one anew: whoever ends the script has to know of it, too.
	echo $! >>"$work/started"
	registry_pids[$kind]=$!
	disown # that it is killed is not to be said
	until (exec 3<>"/dev/tcp/${host%:*}/${host#*:}") 2>/dev/null; do
		kill -0 "${registry_pids[$kind]}" || die "docker-registry did not start: $(<"$dir/log")"
		read -r -t 0.1 <> <(:) || :
	done
}

# registry_stop KIND kills a registry at once.
registry_stop() {
	kill -KILL "${registry_pids[$1]}"
	while kill -0 "${registry_pids[$1]}" 2>/dev/null; do
		read -r -t 0.02 <> <(:) || :
	done
}

registry_log() { cat "$work/registry-$1/log"; }

# registry_bytes KIND prints how much a registry stored, finished or not.
registry_bytes() { du --bytes --summarize "$work/registry-$1/storage" 2>/dev/null | cut -f1 || echo 0; }

# registry_certificate makes an authority and a certificate of it for this machine.
registry_certificate() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=test authority' -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
	openssl req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout "$work/server.key" -out "$work/server.csr" 2>/dev/null
	openssl x509 -req -days 2 -in "$work/server.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial \
		-extfile <(echo subjectAltName=IP:127.0.0.1) -out "$work/server.pem" 2>/dev/null
}

free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 20000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

# fails TEXT COMMAND... runs a command that has to fail, and to say TEXT; standard input is the command's.
fails() {
	local text=$1 out status=0
	shift
	out=$("$@" 2>&1) || status=$?
	printf '%s\n' "$out"
	((status != 0)) || die "this did not fail: $*"
	[[ $out == *"$text"* ]] || die "this does not say \"$text\": $*"
}

# complete REFERENCE [FLAG...] copies all that a list names, with its digests checked by skopeo.
complete() {
	local reference=$1
	shift
	rm -rf "$work/copy"
	skopeo copy --quiet --all --src-tls-verify=false "$@" "docker://$reference" "dir:$work/copy"
	rm -rf "$work/copy"
}

# no_tag HOST REPOSITORY tells whether a repository has no tag.
no_tag() {
	local tags
	tags=$(curl --silent "http://$1/v2/$2/tags/list" | jq -c '.tags // []')
	[[ $tags == '[]' ]]
}

# containerd_start starts a containerd of its own; "${ctr[@]}" talks to it.
containerd_start() {
	local dir=$work/containerd
	mkdir -p "$dir"
	printf '%s\n' 'version = 2' 'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.devmapper"]' >"$dir/config.toml"
	containerd --config "$dir/config.toml" --root "$dir/root" --state "$dir/state" --address "$dir/sock" >"$dir/log" 2>&1 &
	containerd_pid=$!
	trap 'kill $containerd_pid; wait $containerd_pid || :' EXIT # of the subshell that a check is
	ctr=(ctr --address "$dir/sock")
	until "${ctr[@]}" version >/dev/null 2>&1; do
		kill -0 "$containerd_pid" || die "containerd did not start: $(<"$dir/log")"
		read -r -t 0.1 <> <(:) || :
	done
}

# containerd_has REFERENCE PLATFORM mounts what containerd unpacked for a platform and looks whether its program is of it.
containerd_has() {
	local arch=${2#linux/} mnt
	# A snapshot is called what the directory is, and one that there is would be mounted again.
	mnt=$(mktemp -d "$work/mnt.XXXXXX")
	"${ctr[@]}" images mount --snapshotter native --platform "$2" "$1" "$mnt" >/dev/null
	cmp "$mnt/hello" "$work/hello-${arch%%/*}" || die "$1 is not for $2 in containerd"
	umount "$mnt"
}
