package apt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

// ImportOptions say which archive is taken over, and how.
type ImportOptions struct {
	Dir string // of another archive: that which holds dists and pool, or the one directory of a flat archive
	// Suites names the suites that are taken, by their directory below dists ("." for a flat archive), and which suite of
	// the definition each becomes. nil takes them all, each as the one of its own name.
	Suites map[string]string
	// Keyring are keys one of which must have signed each suite. nil does not look at signatures: then the directory is
	// taken for what it says it is.
	Keyring []*openpgp.Certificate
	Now     time.Time // by which keys and signatures are judged
	// NewIdentity takes suites although clients will find another Origin, Label, Suite or Codename, and stop until their
	// users agree.
	NewIdentity bool
}

// ImportPlan is what the indices of another archive say, checked against its Release files. Nothing of it has been
// taken yet.
type ImportPlan struct {
	Dir      string        `json:"dir"`
	Suites   []ImportSuite `json:"suites"`             // sorted by From
	Warnings []string      `json:"warnings,omitempty"` // of what is not taken
}

// ImportSuite is one suite of another archive.
type ImportSuite struct {
	From     string          `json:"from"` // its directory below dists
	To       string          `json:"to"`   // the suite that it becomes
	Date     time.Time       `json:"date"`
	Packages []ImportPackage `json:"packages"` // sorted by component, package, version and architecture
	Sources  []ImportSource  `json:"sources,omitempty"`
}

// ImportPackage is one package of another archive, as an index lists it.
type ImportPackage struct {
	Component    string `json:"component"`
	Package      string `json:"package"`
	Version      string `json:"version"`
	Architecture string `json:"architecture"`
	Filename     string `json:"filename"` // relative to the archive's directory
	Size         int64  `json:"size"`
	SHA256       string `json:"sha256"`
}

// ImportError lists what keeps an archive from being taken over. Nothing of it was taken.
type ImportError struct{ Problems []error }

// maxProblems bounds how many problems an error tells.
const maxProblems = 20

func (e *ImportError) Error() string {
	var texts []string
	for i, p := range e.Problems {
		if i == maxProblems {
			texts = append(texts, fmt.Sprintf("and %d more", len(e.Problems)-i))
			break
		}
		texts = append(texts, p.Error())
	}
	return "not imported: " + strings.Join(texts, "; ")
}

// Unwrap gives the problems, for errors.Is and for their hints.
func (e *ImportError) Unwrap() []error { return e.Problems }

// PlanImport reads the Release files and the indices of another archive, as aptly, reprepro and apt-ftparchive make them,
// and checks each against the digest that names it. It changes nothing. All that is wrong comes as one [ImportError].
func PlanImport(ctx context.Context, d *Definition, o ImportOptions) (*ImportPlan, error) {
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	defer root.Close()
	im := &importer{root: root, def: d, options: o, plan: &ImportPlan{Dir: o.Dir, Suites: []ImportSuite{}}}
	found, err := im.suites()
	if err != nil {
		return nil, fmt.Errorf("import: %s: %w", o.Dir, err)
	}
	if len(found) == 0 {
		return nil, hint.Errorf("name the directory that holds dists, or that of a flat archive", "import: %s: no Release or InRelease in it or below dists", o.Dir)
	}
	for name := range o.Suites {
		if !slices.Contains(found, name) {
			im.problem(fmt.Errorf("suite %s: %s has none of that name, but %s", name, o.Dir, strings.Join(found, ", ")))
		}
	}
	for _, name := range found {
		to, mapped := o.Suites[name]
		if o.Suites == nil {
			to, mapped = name, true
		}
		if !mapped {
			continue
		}
		if err := im.suite(ctx, name, to); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			im.problem(fmt.Errorf("suite %s: %w", name, err))
		}
	}
	if len(im.problems) > 0 {
		return nil, &ImportError{im.problems}
	}
	return im.plan, nil
}

// importer reads another archive.
type importer struct {
	root     *os.Root
	def      *Definition
	options  ImportOptions
	plan     *ImportPlan
	problems []error
}

func (im *importer) problem(err error) { im.problems = append(im.problems, err) }

func (im *importer) warn(format string, args ...any) {
	im.plan.Warnings = append(im.plan.Warnings, fmt.Sprintf(format, args...))
}

// suite reads one suite. The error is for what keeps it from being read; other problems are noted.
func (im *importer) suite(ctx context.Context, name, to string) error {
	if _, err := im.def.Suite(to); err != nil {
		return hint.With(err, "say which suite it becomes with --suite "+name+"=NAME, or add it to the archive's definition")
	}
	r, err := im.release(ctx, name)
	if err != nil {
		return err
	}
	im.identity(name, to, r)
	s := ImportSuite{From: name, To: to, Date: r.Date}
	packages := map[packageKey]ImportPackage{}
	for _, x := range im.indices(name, r) {
		text, err := im.index(name, r, x)
		if err != nil {
			im.problem(fmt.Errorf("suite %s: %s: %w", name, x.path, err))
			continue
		}
		if x.ofSources {
			sources, err := parseAll(x.component, text, parseForeignSource)
			if err != nil {
				im.problem(fmt.Errorf("suite %s: %s: %w", name, x.path, err))
			}
			s.Sources = append(s.Sources, sources...)
			continue
		}
		list, err := parseAll(x.component, text, parseForeign)
		if err != nil {
			im.problem(fmt.Errorf("suite %s: %s: %w", name, x.path, err))
			continue
		}
		for _, p := range list {
			key := packageKey{p.Package, p.Version, p.Architecture}
			other, seen := packages[key]
			if seen && other.SHA256 != p.SHA256 {
				im.problem(fmt.Errorf("suite %s: %s %s (%s) is listed with SHA-256 %s and with %s", name, p.Package, p.Version, p.Architecture, other.SHA256, p.SHA256))
			}
			if seen && other.Component != p.Component {
				im.warn("suite %s: %s %s (%s) is in %s and %s; it comes into the first", name, p.Package, p.Version, p.Architecture, other.Component, p.Component)
			}
			if !seen {
				packages[key] = p
			}
		}
	}
	s.Packages = slices.SortedFunc(maps.Values(packages), func(a, b ImportPackage) int {
		if c := strings.Compare(a.Component, b.Component); c != 0 {
			return c
		}
		return compareKeys(packageKey{a.Package, a.Version, a.Architecture}, packageKey{b.Package, b.Version, b.Architecture})
	})
	im.plan.Suites = append(im.plan.Suites, s)
	return nil
}

// identity notes what clients of the suite would stop at.
func (im *importer) identity(name, to string, r *Release) {
	var changes []string
	for _, f := range []struct{ field, old, new string }{
		{"Origin", r.Origin, im.def.Origin}, {"Label", r.Label, im.def.Label}, {"Suite", r.Suite, to}, {"Codename", r.Codename, to},
	} {
		if f.old != f.new {
			changes = append(changes, fmt.Sprintf("%s from %q to %q", f.field, f.old, f.new))
		}
	}
	if len(changes) == 0 {
		return
	}
	text := fmt.Sprintf("suite %s: would change %s, at which every client stops until its user agrees", name, strings.Join(changes, ", "))
	if im.options.NewIdentity {
		im.warn("%s", text)
		return
	}
	im.problem(hint.With(errors.New(text), "put the old values into the archive's definition, or change them with --new-identity"))
}
