// Package debroot unpacks Debian packages into directories of a cache: packages that a specification locks by digest, the
// same files on any machine. It fetches what it does not have, trusts neither a mirror nor a package to stay inside of the
// directory, and runs no script. It knows nothing of what the files are for; packages buildroot and imagebase do.
package debroot

import (
	"errors"
	"os"
	"path/filepath"

	"kubedist/pkg/deb"
	"kubedist/pkg/progress"
	"kubedist/pkg/spec"
)

// ErrNotFetched is a root that the store does not have.
var ErrNotFetched = errors.New("not in the cache")

// Options say which root to make, and from where.
type Options struct {
	// Dir is the directory of the store: of roots, and of packages that are shared between them.
	Dir string
	// Name is that of the root in the store. It must change with all that decides what is in the root.
	Name string
	// What, Task and Suite are for people: what is made, the task that Reporter hears of, and where the packages are from.
	What, Task, Suite string

	Packages []spec.Locked
	// Excludes reports whether a path, without a slash at its beginning, is not unpacked; nil for none.
	Excludes func(path string) bool
	// Unpacked is called for each package that is unpacked, in no order, several at a time; it may be nil.
	Unpacked func(t *Tree, info *deb.Info) error
	// Finish is called at the end, with the directory that the directory "root" of the tree is in; it may be nil.
	Finish func(dir string, t *Tree) error

	// Mirror is the URL of a Debian mirror; "" takes the one that apt uses whose configuration lies in Config.
	Mirror, Config string
	// Reporter hears of the work, which is one task; nil for nobody.
	Reporter progress.Reporter
}

// Open returns the directory of a root in the store, absolute, without the network. A root that is not there is an error
// that wraps ErrNotFetched; see [Fetch].
func Open(dir, name string) (string, error) {
	s, err := storeIn(dir)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(s.root(name), "root")); err != nil {
		return "", ErrNotFetched
	}
	return s.root(name), nil
}
