# shellcheck shell=bash disable=SC2016,SC2154 # $packages, $version and $libdir are the script's
# What test-apt checks about installed packages. Each function takes a root first and ends with die when something is
# not as it should be. $packages, $version (v1.36.3) and $libdir are the script's.

# package_files ROOT: contents, modes and owners are those of expected-files, and md5sums agree with what is on disk.
package_files() {
	local root=$1 package changed conffiles
	for package in "${packages[@]}"; do
		package_files_of "$root" "$package"
		[[ -s $root/var/lib/dpkg/info/$package.md5sums ]] || die "$package has no md5sums"
		conffiles=$(inside "$root" dpkg-query --show --showformat '${Conffiles}' "$package" | awk 'NF { print $1 }')
		[[ $conffiles == "$([[ $package != kubelet ]] || echo /etc/default/kubelet)" ]] || die "$package has conffiles: $conffiles"
	done
	changed=$(inside "$root" dpkg --verify "${packages[@]}")
	[[ ! $changed ]] || die "dpkg --verify: $changed"
}

# package_files_of ROOT PACKAGE compares the files of one package with the lines that are about it.
package_files_of() {
	local root=$1 package=$2 who mode pattern path owner kind i found used=() modes=() patterns=()
	while read -r who mode pattern; do
		[[ $who == "$package" || $who == '*' ]] || continue
		modes+=("$mode")
		patterns+=("${pattern/\$package/$package}")
		used+=('')
	done < <(grep -v '^#' "$libdir/expected-files")
	while read -r mode owner kind path; do
		[[ $owner == 0:0 ]] || die "$package: $path belongs to $owner"
		found=
		for i in "${!patterns[@]}"; do
			# shellcheck disable=SC2053 # the pattern is one
			[[ $path == ${patterns[i]} ]] || continue
			[[ $kind == "$([[ ${modes[i]} == dir ]] && echo directory || echo regular)" ]] || continue
			[[ $kind == directory || $mode == "${modes[i]}" ]] || die "$package: $path has mode $mode, not ${modes[i]}"
			found=yes
			used[i]=yes
		done
		if [[ $kind == directory ]]; then
			[[ $mode == 755 ]] || die "$package: directory $path has mode $mode"
		elif [[ ! $found ]]; then
			die "$package: $path ($kind, mode $mode) is not in expected-files"
		fi
	done < <(inside "$root" dpkg --listfiles "$package" | inside "$root" xargs -d '\n' stat --format '%a %u:%g %F %n' | sed 's/ regular\( empty\)\? file / regular /')
	for i in "${!patterns[@]}"; do
		[[ ${used[i]} ]] || die "$package: nothing matches ${patterns[i]} of expected-files"
	done
}

# package_status ROOT DEBVERSION: dpkg knows each package as installed, with the fields that users look at.
package_status() {
	local root=$1 expected=$2 package status field
	for package in "${packages[@]}"; do
		status=$(inside "$root" dpkg --status "$package")
		grep -qx 'Status: install ok installed' <<<"$status" || die "$package is not installed: $status"
		for field in Maintainer Homepage Section Priority Installed-Size Description; do
			grep -q "^$field: ." <<<"$status" || die "$package has no $field"
		done
	done
	for package in kubeadm kubelet kubectl; do
		grep -qx "Version: $expected" <<<"$(inside "$root" dpkg --status "$package")" || die "$package is not $expected"
	done
}

# package_versions ROOT: the programs say which version they are.
package_versions() {
	local root=$1
	package_says "$version" inside "$root" kubeadm version -o short
	package_says "Kubernetes $version" inside "$root" kubelet --version
	package_says "Client Version: $version" inside "$root" kubectl version --client
	package_says '*[0-9].[0-9]*' inside "$root" crictl --version
	[[ -x $root/opt/cni/bin/loopback && -x $root/opt/cni/bin/bridge ]] || die 'CNI plugins are missing'
}

# package_says PATTERN COMMAND... runs a command, the first line of whose output must match the pattern.
package_says() {
	local pattern=$1 output
	shift
	output=$("$@" 2>&1) || die "$*: $output"
	# shellcheck disable=SC2053 # the pattern is one
	[[ ${output%%$'\n'*} == $pattern ]] || die "$* prints \"$output\", not \"$pattern\""
	printf '%s\n' "$output"
}

# package_services ROOT: the completions parse, and systemd understands the unit and its drop-in where it is installed.
package_services() {
	local root=$1 name
	for name in kubeadm kubectl crictl; do
		bash -n "$root/usr/share/bash-completion/completions/$name"
	done
	if [[ -x $root/usr/bin/systemd-analyze ]]; then
		inside "$root" systemd-analyze verify --man=no --recursive-errors=no kubelet.service
	fi
}
