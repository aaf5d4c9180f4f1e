# shellcheck shell=bash disable=SC2154 # $libdir is the script's
# What specs/platforms.yaml says of a Debian architecture, and which machine programs are for.

# platform_field ARCHITECTURE FIELD prints a field of the platform with that Debian name: platform, qemu, elf.
platform_field() {
	awk -v architecture="$1" -v field="$2:" '
		/^  - platform:/ { platform = $3 }
		$1 == "debian:" { found = $2 == architecture }
		$1 == "debian:" && found && field == "platform:" { print platform }
		$1 == "-" { found = 0 }
		found && $1 == field { sub(/^[^:]*: */, ""); print }' "$libdir/../../specs/platforms.yaml"
}

# platform_dir ARCHITECTURE prints the directory of the platform in a release: linux/armv7.
platform_dir() {
	local os arch variant
	IFS=/ read -r os arch variant < <(platform_field "$1" platform)
	echo "$os/$arch$variant"
}

# platform_elf FILE prints what the header of an ELF file says, as specs/platforms.yaml does, or nothing of another file
# (System V ABI, ELF header: EI_CLASS and EI_DATA at 4 and 5, e_machine at 18).
platform_elf() {
	local bytes order machine
	local -A names=([3]=386 [21]=PPC64 [22]=S390 [40]=ARM [62]=X86_64 [183]=AARCH64 [243]=RISCV [258]=LOONGARCH)
	read -ra bytes < <(od -An -v -w20 -N20 -tu1 "$1")
	[[ "${bytes[*]:0:4}" == '127 69 76 70' ]] || return 0
	if ((bytes[5] == 2)); then
		order=big machine=$((bytes[18] * 256 + bytes[19]))
	else
		order=little machine=$((bytes[19] * 256 + bytes[18]))
	fi
	echo "{class: $((bytes[4] * 32)), order: $order, machine: EM_${names[$machine]:-$machine}}"
}

# platform_all ARCHITECTURE DIR reads names of files below a directory; all that are ELF files must be for the architecture.
platform_all() {
	local want file found count=0 wrong=()
	want=$(platform_field "$1" elf)
	while read -r file; do
		[[ -f $2/$file && ! -L $2/$file ]] || continue
		found=$(platform_elf "$2/$file")
		[[ $found ]] || continue
		count=$((count + 1))
		[[ $found == "$want" ]] || wrong+=("$file is for $found")
	done
	if ((${#wrong[@]} > 0)); then
		printf '%s\n' "${wrong[@]}"
		die "${wrong[0]}, not for $want; ${#wrong[@]} of $count programs are for others"
	fi
	((count > 0)) || die 'no programs were found'
	echo "$count programs for $want"
}
