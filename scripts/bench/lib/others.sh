# shellcheck shell=bash disable=SC2154 # $work, $architectures and $fingerprint are the script's
# The same work by those who do it today. Each keeps its archive below $work, signs with the key $fingerprint of the
# GNUPGHOME, and writes the indices and digests that it writes unless it is told otherwise. None lists the contents of
# packages, which all of them can leave out.

# aptftparchive_setup TREE: the packages lie in its own tree.
aptftparchive_setup() {
	local dir=$work/apt-ftparchive
	mkdir -p "$dir/cache" "$dir/archive/dists/bench/main"
	for arch in $architectures; do mkdir -p "$dir/archive/dists/bench/main/binary-$arch"; done
	cp -al "$1/pool" "$dir/archive/pool"
	cat >"$dir/conf" <<-CONF
		Dir { ArchiveDir "$dir/archive"; CacheDir "$dir/cache"; };
		Default { Packages::Compress ". gzip"; };
		TreeDefault { Directory "pool/\$(SECTION)"; BinCacheDB "packages-\$(SECTION)-\$(ARCH).db"; };
		Tree "dists/bench" { Sections "main"; Architectures "$architectures"; };
	CONF
}

aptftparchive_publish() {
	local dir=$work/apt-ftparchive
	cd "$dir/archive/dists/bench" || return
	apt-ftparchive -o APT::FTPArchive::Contents=false generate "$dir/conf"
	apt-ftparchive -o APT::FTPArchive::Release::Suite=bench -o APT::FTPArchive::Release::Codename=bench \
		-o APT::FTPArchive::Release::Components=main -o "APT::FTPArchive::Release::Architectures=$architectures" \
		release . >"$dir/Release"
	mv "$dir/Release" Release
	gpg --batch --yes --local-user "$fingerprint" --armor --detach-sign --output Release.gpg Release
	gpg --batch --yes --local-user "$fingerprint" --clearsign --output InRelease Release
}

aptftparchive_add() {
	local target=$work/apt-ftparchive/archive/${1#"$2/"}
	mkdir -p "${target%/*}"
	cp "$1" "$target"
	aptftparchive_publish
}

reprepro_setup() {
	mkdir -p "$work/reprepro/conf"
	cat >"$work/reprepro/conf/distributions" <<-CONF
		Codename: bench
		Suite: bench
		Components: main
		Architectures: $architectures
		SignWith: $fingerprint
	CONF
}

reprepro_add() { find "$@" -name '*.deb' -print0 | xargs -0 reprepro --silent --basedir "$work/reprepro" --component main includedeb bench; }

aptly_setup() {
	mkdir -p "$work/aptly"
	cat >"$work/aptly.conf" <<-CONF
		{"rootDir": "$work/aptly", "architectures": ["${architectures// /\", \"}"], "gpgProvider": "gpg"}
	CONF
	aptly -config="$work/aptly.conf" repo create bench
}

aptly_first() {
	aptly -config="$work/aptly.conf" repo add bench "$1"
	aptly -config="$work/aptly.conf" publish repo -batch -skip-contents -gpg-key="$fingerprint" -distribution=bench bench
}

aptly_add() {
	aptly -config="$work/aptly.conf" repo add bench "$1"
	aptly -config="$work/aptly.conf" publish update -batch -skip-contents -gpg-key="$fingerprint" bench
}
