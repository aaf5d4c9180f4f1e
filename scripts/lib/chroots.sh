# shellcheck shell=bash disable=SC2016 # what stands in single quotes is for apt, awk and mmdebstrap
# Debian roots to test in. Each is made once by mmdebstrap and kept as a tarball under the user's cache directory, named
# after the suite and a digest of how it was made; a test unpacks a copy and throws it away.

# The packages of a minimal root, beside apt, that tests need: those the packages of the archive depend on are fetched,
# not installed, so that an installation resolves them as on a user's machine but does not wait for a mirror.
chroot_fetch=(iptables mount util-linux)

# chroot_mirror prints the URL of the host's own Debian mirror.
chroot_mirror() {
	local mirror
	mirror=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' | awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }')
	[[ $mirror ]] || die 'no Debian mirror in the configuration of apt: run apt-get update first'
	printf '%s\n' "$mirror"
}

# chroot_make SUITE PACKAGES [ARCHITECTURE] prints the name of a tarball of the suite with the packages (separated by
# commas, may be none), and makes it when there is none. The host has to run programs of the architecture (binfmt.sh).
chroot_make() {
	local suite=$1 include=$2 arch=${3:-$(dpkg --print-architecture)} mirror tarball recipe
	mirror=$(chroot_mirror)
	[[ $mirror != https:* ]] || include+=${include:+,}ca-certificates
	# shellcheck disable=SC2054 # the commas are mmdebstrap's
	recipe=(
		--variant=apt --mode=root --architectures="$arch" ${include:+"--include=$include"}
		# Nobody needs these roots after a loss of power.
		--dpkgopt=force-unsafe-io
		--skip=cleanup/apt/lists,cleanup/apt/cache
		--customize-hook='chroot "$1" apt-get clean; chroot "$1" apt-get install --yes --download-only -o APT::Install-Recommends=true '"${chroot_fetch[*]}"'; rm -f "$1"/var/cache/apt/*.bin'
	)
	tarball=${XDG_CACHE_HOME:-$HOME/.cache}/kubedist/chroots/$suite-$arch-$(printf '%s\n' "${recipe[@]}" | sha256sum | cut -c1-12).tar
	if [[ ! -e $tarball ]]; then
		mkdir -p "${tarball%/*}"
		# Not --quiet: then it keeps to itself what a failed dpkg said.
		mmdebstrap --format=tar "${recipe[@]}" "$suite" "$tarball.$$" "$mirror" >&2 ||
			{ rm -f "$tarball.$$" && die "mmdebstrap $suite for $arch failed"; }
		mv "$tarball.$$" "$tarball"
	fi
	printf '%s\n' "$tarball"
}

# chroot_unpack TARBALL DIR makes a fresh root that uses the host's resolver and proxy and starts no services.
chroot_unpack() {
	local tarball=$1 root=$2 kind proxy
	mkdir -p "$root"
	tar --extract --file "$tarball" --directory "$root" --numeric-owner ||
		die "$tarball cannot be unpacked: device nodes need CAP_MKNOD"
	install -m 644 /etc/resolv.conf "$root/etc/resolv.conf"
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	for kind in http https; do
		proxy=$(apt-config shell proxy "Acquire::$kind::Proxy" | sed "s/^proxy='\(.*\)'$/\1/")
		[[ ! $proxy ]] || printf 'Acquire::%s::Proxy "%s";\n' "$kind" "$proxy"
	done >"$root/etc/apt/apt.conf.d/90test"
	printf '%s;\n' 'Acquire::http::Proxy::127.0.0.1 "DIRECT"' 'Acquire::Languages "none"' 'Dpkg::Use-Pty "false"' >>"$root/etc/apt/apt.conf.d/90test"
}

# inside ROOT COMMAND... runs a command there. Nothing is mounted, so there is nothing to unmount; the network is the
# host's.
inside() {
	local root=$1 variable keep=()
	shift
	for variable in http_proxy https_proxy no_proxy QEMU_CPU; do
		[[ ! ${!variable-} ]] || keep+=("$variable=${!variable}")
	done
	env --ignore-environment PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		TERM=dumb DEBIAN_FRONTEND=noninteractive "${keep[@]}" chroot "$root" "$@"
}

# chroot_list ROOT prints everything in a root, a line each, except what apt and dpkg keep for themselves, and /opt: no
# package of Debian owns it, so dpkg removes it with the last package that had something there.
chroot_list() {
	(cd "$1" && find . -xdev \
		\( -path ./var/lib/apt -o -path ./var/lib/dpkg -o -path ./var/cache -o -path ./var/log -o -path ./tmp -o -path ./dev \) -prune \
		-o -path ./opt -o -type d -printf '%p %y %m %U:%G\n' -o -printf '%p %y %m %U:%G %s %l\n' | LC_ALL=C sort)
}
