# shellcheck shell=bash disable=SC2034,SC2154 # some of the variables are for the script
# An archive of small packages to try things on: what the scripts race, kill, two-writers, disk and clients begin with.

# trial_begin NAME makes $work, which goes away at the end with all processes that trial_run started, $kubedist, a key, a
# definition with the suites v1 and stable, and a way to write packages. The published archive is $public.
trial_begin() {
	work=$(mktemp -d "${TMPDIR:-/tmp}/$1.XXXXXX")
	trial_pids=()
	trap trial_end EXIT
	trap 'exit 130' INT TERM
	kubedist=${KUBEDIST:-$work/kubedist}
	[[ ${KUBEDIST-} ]] || CGO_ENABLED=0 go build -o "$kubedist" ./cmd/kubedist
	go build -o "$work/debs" ./scripts/bench/debs
	export KUBEDIST_CONFIG=$work/config
	"$kubedist" key new --output "$work/key.asc" >"$work/key.log" 2>&1 || die "key: $(<"$work/key.log")"
	public=$work/public
	cat >"$work/archive.yaml" <<-YAML
		origin: Trial
		label: Trial
		description: packages to try things on
		url: https://apt.example.org/trial
		signed-by: /etc/apt/keyrings/kubernetes-archive-keyring.gpg
		valid-for: 180d
		refresh-before: 90d
		generations: 5
		compressions: [gz, zst]
		components: [main]
		architectures: [amd64, arm64]
		kubernetes-packages: [kubeadm, kubelet, kubectl]
		suites:
		  - {name: v1, accepts: "~1"}
		  - {name: stable, accepts: ">=1.0.0"}
	YAML
}

trial_end() {
	local pid
	for pid in "${trial_pids[@]}"; do kill "$pid" 2>/dev/null || :; done
	wait 2>/dev/null || :
	! mountpoint --quiet "$work/disk" || umount --lazy "$work/disk"
	rm -rf --one-file-system "$work"
}

# trial_run COMMAND... runs a command in the background until the end.
trial_run() {
	"$@" &
	trial_pids+=($!)
}

# trial_debs DIR FIRST COUNT [SIZE] writes packages for amd64: number N is named after a letter and N.
trial_debs() { "$work/debs" -out "$1" -first "$2" -count "$3" -size "${4:-2500}" -archs amd64; }

# trial_deb N prints the path of a package below $work/debs.d, and writes it when it is not there.
trial_deb() {
	local found=("$work/debs.d/pool/main/"*"/"?"$(printf %05d "$1")-bench/"*.deb)
	if [[ ! -e ${found[0]} ]]; then
		trial_debs "$work/debs.d" "$1" 1
		found=("$work/debs.d/pool/main/"*"/"?"$(printf %05d "$1")-bench/"*.deb)
	fi
	printf '%s\n' "${found[0]}"
}

# trial_line COMMAND ARG... sets $line to kubedist repo with the archive's definition and key; add goes into both suites.
trial_line() {
	local command=$1
	shift
	line=("$kubedist" repo "$command" --root "$public")
	case $command in
	add) line+=(--definition "$work/archive.yaml" --key "$work/key.asc" --suite v1,stable) ;;
	publish | remove) line+=(--definition "$work/archive.yaml" --key "$work/key.asc") ;;
	verify) line+=(--keyring "$public/kubernetes-archive-keyring.gpg") ;;
	list) line+=(--definition "$work/archive.yaml") ;;
	esac
	line+=("$@")
}

# repo COMMAND ARG... runs such a line.
repo() {
	local line
	trial_line "$@"
	"${line[@]}"
}

# trial_serve serves the archive at $url until the end. Its port is a low one: apt-cacher-ng reaches none above 32767.
trial_serve() {
	archive_serve "$public" "$(trial_port 20000)"
	trial_pids+=("$server")
}

# trial_port FIRST prints a port of the loopback that nobody listens at, from FIRST on.
trial_port() {
	local port=$1
	while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
	echo "$port"
}

# trial_listed SUITE prints the names of the packages in a suite.
trial_listed() { repo list --suite "$1" | awk 'NR > 1 { print $2 }'; }

# trial_chroots makes the roots of Debian 12 and 13 and prints their tarballs. It needs root, and mmdebstrap the first time.
trial_chroots() {
	((EUID == 0)) || die 'needs root'
	if ! command -v mmdebstrap >/dev/null || ! chroot_mirror >/dev/null 2>&1; then
		{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends mmdebstrap debian-archive-keyring; } >"$work/install.log" 2>&1 ||
			die "mmdebstrap: $(<"$work/install.log")"
	fi
	chroot_make bookworm ''
	chroot_make trixie systemd
}

# trial_client TARBALL ROOT SUITE URL makes a root whose apt knows the archive alone.
trial_client() {
	local root=$2
	chroot_unpack "$1" "$root"
	rm -rf "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/* "$root"/var/lib/apt/lists/*
	install -D -m 644 "$public/kubernetes-archive-keyring.gpg" "$root/etc/apt/keyrings/kubernetes-archive-keyring.gpg"
	sed "s|^URIs:.*|URIs: $4|" "$public/dists/$3/kubernetes.sources" >"$root/etc/apt/sources.list.d/trial.sources"
	inside "$root" apt-get --version | awk 'NR == 1 { print $2 }' >"$root/apt-version"
}

# trial_update ROOT runs apt-get update without lists from before. What it says is in $work/update.ROOT's name.
trial_update() {
	local log=$work/update.${1##*/}
	rm -rf "$1/var/lib/apt/lists"
	mkdir -p "$1/var/lib/apt/lists/partial"
	inside "$1" apt-get update >"$log" 2>&1 && ! grep -qE '^(W|E|Err|Ign)\b' "$log" && grep -q '^Get:' "$log"
}
