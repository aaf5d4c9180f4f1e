package deb

import "kubedist/pkg/deb822"

// Limits bound what [Read] accepts. A zero field means its default.
type Limits struct {
	File       int64 // bytes of the whole file; 16 GiB
	Packed     int64 // bytes of the control member as stored; 32 MiB
	Unpacked   int64 // bytes of the control member unpacked; 64 MiB
	Dictionary int64 // bytes of window an xz or zstd stream may ask for; 64 MiB
	Entries    int   // files in the control member; 256
	Data       int64 // bytes of the data member unpacked, where its files are listed; 64 GiB
	Files      int   // entries of the data member, where they are listed; 1 Mi
	Control    deb822.Limits
}

func (l Limits) withDefaults() Limits {
	for _, f := range [...]struct {
		value    *int64
		standard int64
	}{{&l.File, 16 << 30}, {&l.Packed, 32 << 20}, {&l.Unpacked, 64 << 20}, {&l.Dictionary, 64 << 20}, {&l.Data, 64 << 30}} {
		if *f.value <= 0 {
			*f.value = f.standard
		}
	}
	if l.Entries <= 0 {
		l.Entries = 256
	}
	if l.Files <= 0 {
		l.Files = 1 << 20
	}
	return l
}
