package apt

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kubedist/pkg/atomicfile"
)

// AddOptions say where packages go.
type AddOptions struct {
	// Suites get all the packages. Without any, each Kubernetes package goes into those that accept its version, and any
	// other package is an error.
	Suites    []string
	Component string // "" is the definition's first
	// KeepExisting keeps the archive's package where one of the same name, version and architecture has other contents,
	// instead of refusing the new one.
	KeepExisting bool
	// Override may name [RefuseContents]: then a file in the pool is replaced that no index lists any more, neither a
	// published one nor one that is kept for clients in the middle of an update.
	Override []Refusal
	Jobs     int // packages that are read at once; 0 is one per processor
}

// Outcome tells what became of a package that was to be added.
type Outcome string

// The outcomes.
const (
	OutcomeAdded   Outcome = "added"   // one suite or more lists it now and did not before
	OutcomePresent Outcome = "present" // all the suites had it
	OutcomeKept    Outcome = "kept"    // the archive's own package of that version has other contents and was kept
)

// Added is a package that went into the archive, or was there.
type Added struct {
	Path         string   `json:"path"` // of the file that was read
	Package      string   `json:"package"`
	Version      string   `json:"version"`
	Architecture string   `json:"architecture"`
	Filename     string   `json:"filename"` // in the archive
	SHA256       string   `json:"sha256"`   // of what the archive has
	Size         int64    `json:"size"`
	Outcome      Outcome  `json:"outcome"`
	Suites       []string `json:"suites"` // that list it now and did not before
}

// Add reads packages, each once, and adds them to suites. It fails without a change to the transaction when a file is no
// package, when a suite does not take its version or architecture, and when the archive has, or had, another file under
// the same name, version and architecture: clients that hold the one would never get the other. That last error is a
// [Problem]. Where the suites are not named, those are left out whose rules would take a version out at once. The results
// are in the order of paths.
func (t *Transaction) Add(ctx context.Context, paths []string, o AddOptions) ([]Added, error) {
	added, err := t.add(ctx, paths, o)
	return added, atomicfile.Explain(t.disk.root, err)
}

func (t *Transaction) add(ctx context.Context, paths []string, o AddOptions) ([]Added, error) {
	if o.Component == "" {
		o.Component = t.tree.def.Components[0]
	}
	if !slices.Contains(t.tree.def.Components, o.Component) {
		return nil, fmt.Errorf("component %s: not in the archive's definition", o.Component)
	}
	for _, name := range o.Suites { // before the work of reading
		if _, err := t.tree.suite(name); err != nil {
			return nil, err
		}
	}
	read, err := t.readAll(ctx, paths, o)
	if err != nil {
		return nil, err
	}
	plan := make([]decision, len(paths))
	pool, there := map[string]*pooled{}, minorsThere{}
	for i, r := range read {
		if plan[i], err = t.decide(ctx, r, pool, there, o); err != nil {
			return nil, fmt.Errorf("package %s: %w", paths[i], err)
		}
	}
	added := make([]Added, len(paths))
	for i, d := range plan {
		if added[i], err = t.insert(ctx, d, o); err != nil {
			return nil, fmt.Errorf("package %s: %w", paths[i], err)
		}
		added[i].Path = paths[i]
		if i > 0 && slices.Equal(added[i].Suites, added[i-1].Suites) {
			added[i].Suites = added[i-1].Suites // as with most packages; there may be a hundred thousand
		}
	}
	if len(t.pool) == 0 {
		t.pool = pool
	}
	maps.Copy(t.pool, pool)
	return added, nil
}

// pooledSize is the size of a regular file in the pool, -1 when there is none.
func (t *Transaction) pooledSize(name string) int64 {
	size, err := sizeOf(t.disk.path(name), false)
	if err != nil {
		return -1
	}
	return size
}

// decision is what is to be done with a package.
type decision struct {
	suites []*suite
	entry  *entry
	kept   bool // the entry is that of the archive's own package
}

// suitesFor gives the suites that a package is to go into, all of which take it.
func (t *Transaction) suitesFor(ctx context.Context, e *entry, there minorsThere, o AddOptions) ([]*suite, error) {
	names := o.Suites
	if len(names) == 0 {
		var err error
		if names, err = t.tree.def.SuitesForPackage(e.name, e.version); err != nil {
			return nil, err
		}
	}
	suites := make([]*suite, 0, len(names))
	for _, name := range names {
		s, err := t.tree.suite(name)
		if err != nil {
			return nil, err
		}
		if err := t.tree.def.accepts(s.def, e.name, e.version); err != nil {
			return nil, err
		}
		if len(o.Suites) == 0 {
			outlived, err := there.outlive(ctx, t.tree, s, e)
			if err != nil {
				return nil, err
			}
			if outlived {
				continue
			}
		}
		suites = append(suites, s)
	}
	if len(suites) == 0 {
		return nil, fmt.Errorf("version %s: %s have newer minor versions alone: %w", e.version, strings.Join(names, ", "), ErrNoSuite)
	}
	return suites, nil
}

// decide compares a package with what the archive has. pool takes the copies that are to go into the pool.
func (t *Transaction) decide(ctx context.Context, r readPackage, pool map[string]*pooled, there minorsThere, o AddOptions) (decision, error) {
	e := r.entry
	if err := t.tree.def.takes(e.arch); err != nil {
		return decision{}, fmt.Errorf("control: %w", err)
	}
	suites, err := t.suitesFor(ctx, e, there, o)
	if err != nil {
		return decision{}, err
	}
	known, listed, err := t.known(ctx, r, pool)
	if err != nil {
		return decision{}, err
	}
	switch {
	case known == nil:
	case known.sha256 == e.sha256 && known.version == e.version:
		// A listed package whose file is lost or cut short gets it back.
		if r.temp != "" && pool[known.filename] == nil && t.pool[known.filename] == nil && t.pooledSize(known.filename) != e.size {
			pool[known.filename] = &pooled{temp: r.temp, entry: known}
		}
		return decision{suites: suites, entry: known}, nil
	case o.KeepExisting && known.version == e.version && known.arch == e.arch:
		return decision{suites: suites, entry: known, kept: true}, nil
	default:
		if err := t.replace(ctx, e, known, listed, o); err != nil {
			return decision{}, err
		}
	}
	if r.temp == "" { // what the pool has of the same size is something else
		if r.temp, err = t.disk.copy(ctx, r.path); err != nil {
			return decision{}, err
		}
	}
	pool[e.filename] = &pooled{temp: r.temp, entry: e}
	return decision{suites: suites, entry: e}, nil
}

// insert puts an entry into the suites' indices.
func (t *Transaction) insert(ctx context.Context, d decision, o AddOptions) (Added, error) {
	e := d.entry
	result := Added{Package: e.name, Version: e.version, Architecture: e.arch, Filename: e.filename, SHA256: e.sha256, Size: e.size, Outcome: OutcomePresent, Suites: []string{}}
	if d.kept {
		result.Outcome = OutcomeKept
	}
	archs := []string{e.arch}
	if e.arch == "all" {
		archs = t.tree.def.Architectures
	}
	for _, s := range d.suites {
		fresh := false
		for _, arch := range archs {
			x, err := t.tree.index(ctx, s, indexKey{o.Component, arch})
			if err != nil {
				return Added{}, err
			}
			if x.find(e) == nil {
				x.add(e)
				fresh = true
			}
		}
		if fresh {
			result.Suites = append(result.Suites, s.name)
			if !d.kept {
				result.Outcome = OutcomeAdded
			}
		}
	}
	return result, nil
}
