package source

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"kubedist/pkg/hint"
)

// imageTag is the tag of the image that Kubernetes is compiled in, such as v1.34.0-go1.24.6-bullseye.0: the release that
// it was made for first, the Go release, the code name of the Debian release, and a number.
var imageTag = regexp.MustCompile(`^v[0-9.]+(?:-[a-z]+\.[0-9]+)?-go[0-9][0-9a-z.]*-([a-z]+)\.[0-9]+$`)

// BuildSuite returns the code name of the Debian release, such as bullseye, whose C compilers the tree is compiled with. The
// file called name, slash-separated below the tree, holds the tag of the image that it is compiled in.
func BuildSuite(t *Tree, name string) (string, error) {
	data, err := readBounded(filepath.Join(t.Dir, filepath.FromSlash(name)), 256)
	if err != nil {
		return "", fmt.Errorf("C tool chain of %s: %w", t.Name, err)
	}
	tag := strings.TrimSpace(string(data))
	m := imageTag.FindStringSubmatch(tag)
	if m == nil {
		return "", hint.Errorf("bring your own C compilers, such as CC_linux_arm64=aarch64-linux-gnu-gcc", "C tool chain of %s: %s says %q, which names no Debian release", t.Name, name, tag)
	}
	return m[1], nil
}

// Checkout tells whether the tree is a git checkout, of which git itself knows the commit.
func (t *Tree) Checkout() bool { return t.checkout != nil }
