package release

import (
	"runtime"
	"runtime/debug"
)

// formats names what writes packages and tarballs: the modules of this program and the Go release that it was compiled
// with. It goes into the keys of these steps, so that a kubedist with another compressor does not take what the old one
// wrote for its own.
func formats() []string {
	list := []string{runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			for m.Replace != nil {
				m = m.Replace
			}
			list = append(list, m.Path+"@"+m.Version)
		}
	}
	return list
}
