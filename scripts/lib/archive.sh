# shellcheck shell=bash disable=SC2034,SC2154 # $work, $kubedist, $version, $url and $server are the script's
# The archive under test: made from the small trees in testdata unless one is given, and served over loopback HTTP.

# archive_platform prints the platform of the host.
archive_platform() {
	case $(dpkg --print-architecture) in
	armhf) echo linux/arm/v7 ;;
	ppc64el) echo linux/ppc64le ;;
	i386) echo linux/386 ;;
	*) echo "linux/$(dpkg --print-architecture)" ;;
	esac
}

# archive_make writes two revisions of the small tree's release into $work/archive, the way a user would.
archive_make() {
	local revision data=pkg/source/testdata
	for revision in 1.0 1.1; do
		KUBEDIST_CONFIG=$work/config SOURCE_DATE_EPOCH=$(date +%s) "$kubedist" release "$version" --revision "$revision" \
			--source "$data/kubernetes" --source "cni-plugins=$data/cni-plugins" --source "cri-tools=$data/cri-tools" --no-images \
			--platform "$(archive_platform)" --toolchain local --out "$work/out-$revision" --root "$work/archive" --quiet
	done
}

# archive_serve DIR [PORT] starts the server, at a free port unless one is given, and sets $url and $server (its process).
archive_serve() {
	local line output
	exec {output}< <(exec "$kubedist" repo serve --root "$1" --listen "127.0.0.1:${2:-0}" 2>"$work/server.log")
	server=$!
	while read -r -t 60 line <&"$output"; do
		if [[ $line =~ http://[0-9.:]+ ]]; then
			url=${BASH_REMATCH[0]}
			# What the server says from now on must not fill the pipe.
			cat <&"$output" >>"$work/server.log" &
			return
		fi
	done
	die "kubedist repo serve did not say where it listens: $(<"$work/server.log")"
}

# archive_configure ROOT SUITE EXTENSION does what the README tells apt users to do, with the server's address for the
# archive's and with the keyring in the form of the extension.
archive_configure() {
	local root=$1 suite=$2 extension=$3 sources keyring
	sources=$root/etc/apt/sources.list.d/kubernetes.sources
	archive_get "dists/$suite/kubernetes.sources" >"$sources"
	keyring=$(sed -n 's/^Signed-By: *//p' "$sources")
	[[ $keyring == /*.* ]] || die "kubernetes.sources names no keyring: $(<"$sources")"
	keyring=${keyring%.*}.$extension
	sed -i -e "s|^URIs:.*|URIs: $url|" -e "s|^Signed-By:.*|Signed-By: $keyring|" "$sources"
	mkdir -p "$root${keyring%/*}"
	archive_get "kubernetes-archive-keyring.$extension" >"$root$keyring"
	chmod 644 "$sources" "$root$keyring"
}

# archive_get PATH fetches a file with nothing but bash, for neither curl nor wget need be installed.
archive_get() {
	local host=${url#http://} line
	exec 9<>"/dev/tcp/${host%:*}/${host##*:}"
	printf 'GET /%s HTTP/1.0\r\nHost: %s\r\n\r\n' "$1" "$host" >&9
	read -r line <&9
	[[ $line == *' 200 '* ]] || die "GET $url/$1: $line"
	while read -r line <&9 && [[ ${line%$'\r'} ]]; do :; done
	cat <&9
	exec 9>&-
}

# archive_update ROOT runs apt-get update, which must have nothing to complain about.
archive_update() {
	local output
	output=$(inside "$1" apt-get update 2>&1) || die "apt-get update: $output"
	printf '%s\n' "$output"
	! grep -E '^(W|E|Err|Ign)\b' <<<"$output" || die 'apt-get update complains'
	grep -qF "$url" <<<"$output" || die "apt-get update did not ask $url"
}
