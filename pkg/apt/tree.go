package apt

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"kubedist/pkg/hint"
)

// tree is a published archive as its InRelease files describe it. InRelease is written last, so it is what counts when
// a run was killed; the indices it names are read from by-hash, where they stay.
type tree struct {
	root   string
	def    *Definition
	suites []*suite // those of the definition in its order, then any others that are on the disk, by name
}

// suite is one suite of a tree, in its own place.
type suite struct {
	place
	name    string
	def     *Suite // nil when the definition does not have it (any more)
	indices map[indexKey]*index
	sources map[string]*sourceIndex // by component; nil until one is loaded
	aliases []*alias                // in the definition's order
	flat    *place                  // nil when the suite has no flat form
}

// newSuite is a suite that lies in a directory, not loaded yet.
func newSuite(name, dir string) *suite {
	return &suite{place: place{dir: dir}, name: name, indices: map[indexKey]*index{}}
}

// places lists the suite's own place and the others where clients find it.
func (s *suite) places() []*place {
	places := []*place{&s.place}
	for _, a := range s.aliases {
		places = append(places, &a.place)
	}
	if s.flat != nil {
		places = append(places, s.flat)
	}
	return places
}

// nameOf says which place of the suite is meant, for errors.
func (s *suite) nameOf(at *place) string {
	if at == &s.place {
		return "suite " + s.name
	}
	return "suite " + s.name + " in " + at.dir
}

// names lists all names of a suite of the definition, its own first.
func (t *tree) names(name string) []string {
	names := []string{name}
	if s, err := t.def.Suite(name); err == nil {
		names = append(names, s.Aliases...)
	}
	return names
}

type indexKey struct{ component, arch string }

// packageKey identifies a package within an index.
type packageKey struct{ name, version, arch string }

func (e *entry) key() packageKey { return packageKey{e.name, e.version, e.arch} }

// index is one Packages index, loaded, with what was added since.
type index struct {
	entries []entry  // sorted
	added   []*entry // sorted; none of them is among the entries
	removed int
	lost    []*entry // that were published and are removed
}

// find returns the entry of the same name, version and architecture.
func (x *index) find(want *entry) *entry {
	if i, found := x.place(want); found {
		return x.added[i]
	}
	i := x.search(func(e *entry) bool { return compareEntries(e, want) >= 0 })
	if i == len(x.entries) || compareEntries(&x.entries[i], want) != 0 {
		return nil
	}
	return &x.entries[i]
}

// add lists an entry, unless it has been added before.
func (x *index) add(e *entry) {
	if i, found := x.place(e); !found {
		x.added = slices.Insert(x.added, i, e)
	}
}

// place tells where an entry is among those that were added, or belongs. Most come in order.
func (x *index) place(e *entry) (at int, found bool) {
	if n := len(x.added); n == 0 || compareEntries(x.added[n-1], e) < 0 {
		return n, false
	}
	return slices.BinarySearchFunc(x.added, e, compareEntries)
}

// search returns the place of the first loaded entry for which f is true, as it must be for all after it.
func (x *index) search(f func(e *entry) bool) int {
	return sort.Search(len(x.entries), func(i int) bool { return f(&x.entries[i]) })
}

// named returns the entries that were loaded under a name.
func (x *index) named(name string) []entry {
	from := x.search(func(e *entry) bool { return e.name >= name })
	to := from
	for to < len(x.entries) && x.entries[to].name == name {
		to++
	}
	return x.entries[from:to]
}

// merged returns all entries in order.
func (x *index) merged() []*entry {
	all := make([]*entry, 0, len(x.entries)+len(x.added))
	added := x.added
	for i := range x.entries {
		e := &x.entries[i]
		for len(added) > 0 && compareEntries(added[0], e) < 0 {
			all, added = append(all, added[0]), added[1:]
		}
		all = append(all, e)
	}
	return append(all, added...)
}

func (x *index) changed() bool { return len(x.added) > 0 || x.removed > 0 }

// loadTree reads the Release files of all suites. Indices are read when they are needed. killed says that a run was
// killed, which explains a suite without an InRelease.
func loadTree(root string, def *Definition, killed bool) (*tree, error) {
	t := &tree{root: root, def: def}
	known := map[string]bool{}
	for i := range def.Suites {
		s := &suite{name: def.Suites[i].Name, def: &def.Suites[i]}
		known[s.name] = true
		for _, name := range s.def.Aliases {
			s.aliases = append(s.aliases, &alias{place: place{dir: suiteDir(name)}, name: name})
			known[name] = true
		}
		if s.def.Flat != "" {
			s.flat = &place{dir: s.def.Flat}
		}
		t.suites = append(t.suites, s)
	}
	dirs, err := os.ReadDir(filepath.Join(root, distsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("archive: %w", err)
	}
	for _, dir := range dirs {
		if dir.IsDir() && !known[dir.Name()] {
			t.suites = append(t.suites, &suite{name: dir.Name()})
		}
	}
	for _, s := range t.suites {
		s.dir, s.indices = suiteDir(s.name), map[indexKey]*index{}
		for _, at := range s.places() {
			if err := t.load(at, killed); err != nil {
				return nil, fmt.Errorf("%s: %w", s.nameOf(at), err)
			}
		}
	}
	return t, nil
}

// readSmall reads a Release file. One that is not there gives nil.
func (t *tree) readSmall(name string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(t.root, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// suite returns the named suite of the definition.
func (t *tree) suite(name string) (*suite, error) {
	if _, err := t.def.Suite(name); err != nil {
		return nil, err
	}
	return t.suites[slices.IndexFunc(t.suites, func(s *suite) bool { return s.name == name })], nil
}

// index loads an index of a suite, once. A suite that does not have it yet gives an empty one.
func (t *tree) index(ctx context.Context, s *suite, key indexKey) (*index, error) {
	if x := s.indices[key]; x != nil {
		return x, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	x := &index{}
	if s.release != nil {
		name := path.Join(indexDir(key.component, key.arch), "Packages")
		text, err := t.readIndex(s, name)
		if err == nil {
			x.entries, err = parsePackages(text)
		}
		if err != nil {
			return nil, fmt.Errorf("suite %s: %s: %w", s.name, name, err)
		}
	}
	s.indices[key] = x
	return x, nil
}

// readIndex reads the plain text of an index, whatever form of it is there and whole, and checks it.
func (t *tree) readIndex(s *suite, name string) (string, error) {
	plain, listed := s.release.File(name)
	if !listed {
		return "", nil
	}
	for _, ending := range []string{"", ".zst", ".gz", ".xz"} {
		file, found := s.release.File(name + ending)
		if !found {
			continue
		}
		for _, at := range []string{byHash(file.Path, file.SHA256), file.Path} {
			name := filepath.Join(t.root, filepath.FromSlash(path.Join(s.dir, at)))
			if ending == "" {
				if text, ok := plain.read(name); ok {
					return text, nil
				}
				continue
			}
			data, err := os.ReadFile(name)
			if err != nil || !file.matches(data) {
				continue
			}
			if data, err = unpackIndex(data, strings.TrimPrefix(ending, ".")); err == nil && plain.matches(data) {
				return string(data), nil
			}
		}
	}
	return "", hint.Errorf("find out more with: kubedist repo verify", "no file on disk is the one that InRelease names, with SHA-256 %s", plain.SHA256)
}

// read reads the file at a path, if it is the one that is listed. It hashes while it reads, and keeps one copy.
func (f ReleaseFile) read(name string) (string, bool) {
	src, err := os.Open(name)
	if err != nil {
		return "", false
	}
	defer src.Close()
	if info, err := src.Stat(); err != nil || info.Size() != f.Size || f.Size > maxIndex {
		return "", false
	}
	var text strings.Builder
	text.Grow(int(f.Size))
	digest := sha256.New()
	n, err := io.CopyBuffer(io.MultiWriter(&text, digest), io.LimitReader(src, f.Size), make([]byte, 128<<10))
	return text.String(), err == nil && n == f.Size && hex.EncodeToString(digest.Sum(nil)) == f.SHA256
}

func (f ReleaseFile) matches(data []byte) bool {
	if int64(len(data)) != f.Size {
		return false
	}
	return digestOf(data) == f.SHA256
}

// keys lists the indices that the suite has or had.
func (s *suite) keys() []indexKey {
	var keys []indexKey
	if s.release == nil {
		return nil
	}
	for _, f := range s.release.Files {
		parts := strings.Split(f.Path, "/")
		if len(parts) == 3 && parts[2] == "Packages" && strings.HasPrefix(parts[1], "binary-") {
			keys = append(keys, indexKey{parts[0], strings.TrimPrefix(parts[1], "binary-")})
		}
	}
	return keys
}
