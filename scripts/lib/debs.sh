# shellcheck shell=bash disable=SC2016,SC2154 # $work is the script's
# The .deb files themselves, checked with Debian's tools in a root of their own.

# debs_check TARBALL DIR runs lintian over the packages below DIR that are for the host, which differ from those for other
# machines by what the compiler made, and debsig-verify over all.
debs_check() {
	local root=$work/tools
	check 'Debian 13' 'unpack the root of the tools' chroot_unpack "$1" "$root"
	mkdir -p "$root/debs"
	find "$2" -name '*.deb' -exec ln -t "$root/debs" {} + 2>/dev/null ||
		find "$2" -name '*.deb' -exec cp -t "$root/debs" {} +
	[[ -n $(ls "$root/debs") ]] || die "no packages below $2"
	check 'Debian 13' 'lintian finds no error' debs_lint "$root"
	check 'Debian 13' 'members of the packages' debs_members "$root"
	check 'Debian 13' 'debsig-verify accepts the packages' debs_signed "$root"
	check 'Debian 13' 'debsig-verify refuses a changed package' debs_tampered "$root"
	rm -rf --one-file-system "$root"
}

# debs_lint ROOT: no errors. Warnings are printed, for those who read the log. The packages override two errors that are
# about what Debian's own archive takes and not about what dpkg and apt do: a signature inside is an extra member, and zstd
# is no compression of Debian's. debs_members looks at both instead.
debs_lint() {
	inside "$1" sh -c 'exec lintian --allow-root --fail-on error --tag-display-limit 0 "/debs/"*"_$(dpkg --print-architecture).deb"'
}

# debs_members ROOT: the members of each package are those of deb(5), and the signature comes last.
debs_members() {
	local deb members
	for deb in "$1"/debs/*.deb; do
		members=$(inside "$1" ar t "/debs/${deb##*/}" | tr '\n' ' ')
		[[ $members =~ ^debian-binary\ control\.tar\.(gz|xz|zst)\ data\.tar\.(gz|xz|zst)\ _gpgorigin\ $ ]] || die "${deb##*/} has the members $members"
	done
}

# debs_signed ROOT: the packages' own signatures verify with a policy that trusts the archive's key and nothing else.
debs_signed() {
	local root=$1 fingerprint keyring deb
	keyring=$root/usr/share/debsig/keyrings
	archive_get kubernetes-archive-keyring.gpg >"$root/debsig.gpg"
	for fingerprint in $(inside "$root" gpg --batch --with-colons --show-keys /debsig.gpg | awk -F: '$1 == "fpr" && p == "pub" { print $10 } { p = $1 }'); do
		# debsig-verify looks under the long key id, newer ones under the fingerprint.
		for id in "$fingerprint" "${fingerprint: -16}"; do
			mkdir -p "$root/etc/debsig/policies/$id" "$keyring/$id"
			cp "$root/debsig.gpg" "$keyring/$id/archive.gpg"
			cat >"$root/etc/debsig/policies/$id/archive.pol" <<-POLICY
				<?xml version="1.0"?>
				<!DOCTYPE Policy SYSTEM "https://www.debian.org/debsig/1.0/policy.dtd">
				<Policy xmlns="https://www.debian.org/debsig/1.0/">
				  <Origin Name="archive" id="$id" Description="the archive under test"/>
				  <Selection><Required Type="origin" File="archive.gpg" id="$id"/></Selection>
				  <Verification MinOptional="0"><Required Type="origin" File="archive.gpg" id="$id"/></Verification>
				</Policy>
			POLICY
		done
	done
	for deb in "$root"/debs/*.deb; do
		inside "$root" debsig-verify "/debs/${deb##*/}"
	done
}

# debs_tampered ROOT: another byte in a package, and its signature is void. (After debs_signed, which makes the policy.)
debs_tampered() {
	inside "$1" sh -euc '
		cd /tmp
		for deb in /debs/kubelet_*.deb; do
			rm -f debian-binary control.tar* data.tar* _gpgorigin changed.deb
			ar x "$deb"
			printf "\\0" >>"$(echo data.tar*)"
			# The order of the members is part of the format.
			ar rcD changed.deb debian-binary control.tar* data.tar* _gpgorigin
			if debsig-verify changed.deb; then
				echo "a changed $deb is accepted"
				exit 1
			fi
		done'
}

# deb_repack ROOT PACKAGE DEBVERSION makes /tmp/PACKAGE.deb in the root: the archive's package under another version.
deb_repack() {
	inside "$1" sh -euc '
		cd /tmp
		apt-get download "$1"
		dpkg-deb --raw-extract "$1"_*.deb unpacked
		sed -i "s/^Version: .*/Version: $2/" unpacked/DEBIAN/control
		rm "$1"_*.deb
		dpkg-deb --root-owner-group -Zgzip -z1 --build unpacked "$1.deb"
		rm -r unpacked
	' sh "$2" "$3"
}
