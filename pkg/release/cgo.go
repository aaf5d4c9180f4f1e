package release

import (
	"strings"

	"kubedist/pkg/build"
	"kubedist/pkg/hint"
	"kubedist/pkg/platform"
)

// compilerVariable is the variable of the environment by which users bring their own C compiler for a platform:
// CC_linux_arm64, CC_linux_arm.
func compilerVariable(id platform.ID) string { return "CC_" + id.OS + "_" + id.Arch }

// cgo says what compiles the C code of programs for a platform.
func (r *run) cgo(p platform.Platform) (*build.Cgo, error) {
	name := compilerVariable(p.ID)
	for _, entry := range r.Environ {
		if cc, ok := strings.CutPrefix(entry, name+"="); ok && cc != "" {
			return &build.Cgo{CC: cc, Origin: name}, nil
		}
	}
	return nil, hint.Errorf("bring your own: "+name+"="+p.Triplet+"-gcc", "no C compiler for %s", p.ID)
}
