package spec

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// checkC checks how a program in C is compiled.
func (c *checker) checkC(at report, where string, b Binary) {
	if len(b.Roles) == 0 {
		at(where, "roles", "missing: a program in C is released for the platforms that it is compiled for")
	}
	if !slices.ContainsFunc(b.C.Files, func(name string) bool { return strings.HasSuffix(name, ".c") }) {
		at(where+".c", "files", "none ends in .c")
	}
	for i, name := range b.C.Files {
		if !fs.ValidPath(name) || name == "." || strings.HasPrefix(name, "-") {
			at(fmt.Sprintf("%s.c.files[%d]", where, i), "files", "%q is not a clean path inside the tree", name)
		}
	}
	if _, ok := c.spec.Toolchain(b.C.Toolchain); !ok {
		at(where+".c", "toolchain", "%q is not declared", b.C.Toolchain)
	}
	for _, p := range c.spec.Platforms {
		if p.Serves(b.Roles) && (p.ID.OS != "linux" || p.Triplet == "") {
			at(where+".roles", "roles", "%s has one of them, and no triplet to call its C compiler by", p)
		}
	}
	if b.C.Version != nil {
		checkReading(at, where+".c.version", *b.C.Version)
	}
}
