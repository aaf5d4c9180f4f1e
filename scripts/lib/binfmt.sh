# shellcheck shell=bash disable=SC2154 # $libdir is the script's
# Programs of other architectures: the kernel starts them with qemu, by the registrations of Debian's qemu-user-static.
# Each has the flag F: the kernel keeps the interpreter open, so nothing of it has to be in a root or an image.

binfmt_dir=/proc/sys/fs/binfmt_misc
binfmt_mounted=
binfmt_registered=()

# binfmt_enable ARCHITECTURE... lets the kernel run programs of Debian architectures. systemd and binfmt-support do that when
# the package is installed; where neither runs it is done here, and undone by binfmt_restore.
binfmt_enable() {
	local architecture name
	if ! mountpoint --quiet "$binfmt_dir"; then
		mount -t binfmt_misc binfmt_misc "$binfmt_dir" || die "binfmt_misc cannot be mounted: is the kernel without CONFIG_BINFMT_MISC, or this a container?"
		binfmt_mounted=yes
	fi
	for architecture; do
		name=qemu-$(platform_field "$architecture" qemu)
		[[ $architecture != "$(dpkg --print-architecture)" && ! -e $binfmt_dir/$name ]] || continue
		[[ -e /usr/lib/binfmt.d/$name.conf ]] || die "qemu-user-static has no registration for $architecture, /usr/lib/binfmt.d/$name.conf"
		cat "/usr/lib/binfmt.d/$name.conf" >"$binfmt_dir/register" || die "the kernel refuses the registration of $name"
		binfmt_registered+=("$name")
	done
}

# binfmt_restore takes away what binfmt_enable brought. Programs that run go on.
binfmt_restore() {
	local name
	for name in "${binfmt_registered[@]}"; do
		[[ ! -e $binfmt_dir/$name ]] || echo -1 >"$binfmt_dir/$name"
	done
	[[ ! $binfmt_mounted ]] || umount "$binfmt_dir"
	binfmt_registered=() binfmt_mounted=
}

# binfmt_tune ARCHITECTURE tells qemu in the environment how to be quick. Debian's arm64 is compiled with pointer
# authentication, whose real algorithm costs seven times as much as all the rest: perl took 13.3 s for what takes 2.2 s so.
binfmt_tune() {
	unset QEMU_CPU
	[[ $1 != arm64 || $(dpkg --print-architecture) == arm64 ]] || export QEMU_CPU=max,pauth-impdef=on
}
