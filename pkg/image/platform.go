package image

import (
	"cmp"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/platform"
)

// idOf returns the platform that a descriptor or a configuration names.
func idOf(p *v1.Platform) platform.ID {
	if p == nil {
		return platform.ID{}
	}
	return platform.ID{OS: p.OS, Arch: p.Architecture, Variant: p.Variant}
}

// plain leaves out the variant that an architecture has anyway, and adds the one that is meant where arm has none: two
// platforms with the same plain form are one to whoever selects an image. The table is that of containerd's
// platforms.Normalize.
func plain(id platform.ID) platform.ID {
	switch id.Arch + "/" + id.Variant {
	case "arm64/v8", "arm64/8", "amd64/v1":
		id.Variant = ""
	case "arm/", "arm/7":
		id.Variant = "v7"
	}
	return id
}

// samePlatform compares what decides which machine takes an image. Windows images differ in their version, too.
func samePlatform(a, b *v1.Platform) bool { return comparePlatforms(a, b) == 0 }

func comparePlatforms(a, b *v1.Platform) int {
	version := func(p *v1.Platform) string {
		if p == nil {
			return ""
		}
		return p.OSVersion
	}
	return cmp.Or(platform.Compare(plain(idOf(a)), plain(idOf(b))), cmp.Compare(version(a), version(b)))
}
