package apt

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/deb"
)

// Import adds the packages of another archive to the suites that its plan names. Each file is read once: its digest must
// be what the index says, and its control paragraph what the index lists it as. The files keep their paths where those
// are below pool, so that mirrors need not fetch them again. When anything is not as it should be, nothing is taken, and
// the error is an [ImportError] with all that was found. The results are in the order of the plan, each file once, and then
// the source packages, once for each suite; their files go where the archive has such.
//
// What is published after it is dated later than what the plan's suites are.
func (t *Transaction) Import(ctx context.Context, plan *ImportPlan, o AddOptions) ([]Added, error) {
	if err := t.open(); err != nil {
		return nil, err
	}
	added, err := t.importAll(ctx, plan, o)
	return added, atomicfile.Explain(t.disk.root, err)
}

// wantedFile is a file of another archive, and where it is to be listed.
type wantedFile struct {
	ImportPackage
	suites []string
}

func (t *Transaction) importAll(ctx context.Context, plan *ImportPlan, o AddOptions) ([]Added, error) {
	wanted, problems := plan.files()
	for _, s := range plan.Suites {
		if _, err := t.tree.suite(s.To); err != nil {
			return nil, err
		}
	}
	results := make([]Added, len(wanted))
	decisions := make([]decision, len(wanted))
	pool := map[string]*pooled{}
	for _, component := range t.tree.def.Components {
		var numbers []int
		var paths []string
		for i, w := range wanted {
			if w.Component == component {
				numbers = append(numbers, i)
				paths = append(paths, filepath.Join(plan.Dir, filepath.FromSlash(w.Filename)))
			}
		}
		o.Component = component
		read, failed, err := t.readEach(ctx, paths, o)
		if err != nil {
			return nil, err
		}
		problems = append(problems, failed...)
		for i, r := range read {
			w := wanted[numbers[i]]
			if r.entry == nil {
				continue
			}
			if err := w.check(r.entry); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", w.Filename, err))
				continue
			}
			if err := r.entry.keepPath(w.Filename, t.scratch); err != nil {
				return nil, err
			}
			o.Suites = w.suites
			if decisions[numbers[i]], err = t.decide(ctx, r, pool, minorsThere{}, o); err != nil {
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				problems = append(problems, fmt.Errorf("%s: %w", w.Filename, err))
			}
			results[numbers[i]].Path = paths[i]
		}
	}
	sources, wrong, err := t.readSources(ctx, plan, pool, o)
	if err != nil {
		return nil, err
	}
	if problems = append(problems, wrong...); len(problems) > 0 {
		return nil, &ImportError{problems}
	}
	for i, d := range decisions {
		o.Component, o.Suites = wanted[i].Component, wanted[i].suites
		added, err := t.insert(ctx, d, o)
		if err != nil {
			return nil, err
		}
		added.Path = results[i].Path
		results[i] = added
	}
	for _, s := range sources {
		added, err := t.insertSource(ctx, s.decision, s.options)
		if err != nil {
			return nil, err
		}
		added.Path = s.path
		results = append(results, added)
	}
	for name, p := range pool {
		t.pool[name] = p
	}
	for _, s := range plan.Suites {
		to, err := t.tree.suite(s.To)
		if err != nil {
			return nil, err
		}
		if s.Date.After(to.newest) {
			to.newest = s.Date
		}
	}
	return results, nil
}

// files lists each file of the plan once, with all the suites that get it. Two digests for one file are a problem.
func (p *ImportPlan) files() ([]wantedFile, []error) {
	var all []wantedFile
	var problems []error
	at := map[string]int{}
	for _, s := range p.Suites {
		for _, f := range s.Packages {
			key := f.Component + "\n" + f.Filename
			i, seen := at[key]
			if !seen {
				at[key] = len(all)
				all = append(all, wantedFile{f, []string{s.To}})
				continue
			}
			if all[i].SHA256 != f.SHA256 {
				problems = append(problems, fmt.Errorf("%s: is listed with SHA-256 %s and with %s", f.Filename, all[i].SHA256, f.SHA256))
			}
			if !slices.Contains(all[i].suites, s.To) {
				all[i].suites = append(all[i].suites, s.To)
			}
		}
	}
	return all, problems
}

// readEach is readAll, but for the packages that cannot be read: those have no entry, and an error each.
func (t *Transaction) readEach(ctx context.Context, paths []string, o AddOptions) ([]readPackage, []error, error) {
	read, err := t.readAll(ctx, paths, o)
	if err == nil || ctx.Err() != nil {
		return read, nil, err
	}
	// Something is wrong, so nothing will be taken: what else is wrong is worth the time of looking.
	var problems []error
	for i, name := range paths {
		if read[i].entry != nil {
			continue
		}
		if read[i], err = t.read(ctx, &deb.Reader{}, name, o); err != nil {
			if ctx.Err() != nil {
				return nil, nil, ctx.Err()
			}
			problems = append(problems, fmt.Errorf("package %s: %w", name, err))
		}
	}
	return read, problems, nil
}

// check compares a package with what the index said about it.
func (w *wantedFile) check(e *entry) error {
	if e.size != w.Size || e.sha256 != w.SHA256 {
		return fmt.Errorf("has %d bytes and SHA-256 %s; the index says %d and %s", e.size, e.sha256, w.Size, w.SHA256)
	}
	if e.name != w.Package || e.version != w.Version || e.arch != w.Architecture {
		return fmt.Errorf("is %s %s (%s); the index says %s %s (%s)", e.name, e.version, e.arch, w.Package, w.Version, w.Architecture)
	}
	return nil
}

// keepPath lists the package under the path that another archive had it at, where ours could be the same. keep gets the
// new text.
func (e *entry) keepPath(filename string, keep *scratch) error {
	if checkPoolPath(filename) != nil || !strings.HasSuffix(filename, ".deb") || filename == e.filename {
		return nil
	}
	text := strings.Replace(e.text.String(), "\nFilename: "+e.filename+"\n", "\nFilename: "+filename+"\n", 1)
	moved, err := keep.put([]byte(text))
	if err != nil {
		return err
	}
	e.filename, e.text = filename, moved
	return nil
}
