package image

import (
	"encoding/binary"
	"slices"

	"kubedist/pkg/hint"
)

// capabilities are the names of capabilities(7) in the order of their numbers in linux/capability.h: cap_chown is 0.
var capabilities = []string{
	"cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid", "cap_kill", "cap_setgid",
	"cap_setuid", "cap_setpcap", "cap_linux_immutable", "cap_net_bind_service", "cap_net_broadcast", "cap_net_admin",
	"cap_net_raw", "cap_ipc_lock", "cap_ipc_owner", "cap_sys_module", "cap_sys_rawio", "cap_sys_chroot", "cap_sys_ptrace",
	"cap_sys_pacct", "cap_sys_admin", "cap_sys_boot", "cap_sys_nice", "cap_sys_resource", "cap_sys_time",
	"cap_sys_tty_config", "cap_mknod", "cap_lease", "cap_audit_write", "cap_audit_control", "cap_setfcap",
	"cap_mac_override", "cap_mac_admin", "cap_syslog", "cap_wake_alarm", "cap_block_suspend", "cap_audit_read",
	"cap_perfmon", "cap_bpf", "cap_checkpoint_restore",
}

// Of struct vfs_cap_data in linux/capability.h.
const (
	vfsCapRevision2 = 0x02000000
	vfsCapEffective = 0x00000001
)

// Capabilities returns the extended attributes, for tarball.File.Xattrs, of a program that has the named capabilities
// permitted and effective when it starts, as `setcap NAME,NAME=ep` would set them: cap_net_bind_service lets a program
// without root listen on ports below 1024. No names give no attributes.
//
// The value is struct vfs_cap_data of revision 2: the revision with the effective bit, then the permitted and the
// inheritable capabilities 0 to 31, then those from 32 on, each a 32-bit number with the lowest byte first.
func Capabilities(names []string) (map[string]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	var permitted uint64
	for _, name := range names {
		number := slices.Index(capabilities, name)
		if number < 0 {
			return nil, hint.Errorf("take a name of capabilities(7) in lower case, such as cap_net_bind_service", "capability %q: no such capability", name)
		}
		permitted |= 1 << number
	}
	value := binary.LittleEndian.AppendUint32(nil, vfsCapRevision2|vfsCapEffective)
	for _, word := range []uint64{permitted, permitted >> 32} {
		value = binary.LittleEndian.AppendUint32(value, uint32(word))
		value = binary.LittleEndian.AppendUint32(value, 0)
	}
	return map[string]string{"security.capability": string(value)}, nil
}
