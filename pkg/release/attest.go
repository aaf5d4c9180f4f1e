package release

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"kubedist/pkg/gocmd"
	"kubedist/pkg/ledger"
	"kubedist/pkg/progress"
	"kubedist/pkg/sbom"
)

// The kinds of files that tell others what the artifacts are made of.
const (
	SBOM       Kind = "sbom"       // an SPDX document about one package, or about the release
	BuildInfo  Kind = "buildinfo"  // what packages were built with (deb-buildinfo(5))
	Changes    Kind = "changes"    // what upload tools take (deb-changes(5))
	Provenance Kind = "provenance" // what the release was made from, signed
)

// ProvenanceName is the file of a release that says what all the others were made from.
const ProvenanceName = "provenance.intoto.jsonl"

// attestor writes what others check a release by.
type attestor struct {
	*run
	made   []Artifact          // what there is to attest: programs, packages, tarballs
	byPath map[string]Artifact // the same
	tool   tool
	chains map[string]gocmd.Installation                // the Go tool chain of each source
	sums   map[string]func() (map[string]string, error) // what each source's go.sum holds
}

// attest writes SBOMs, the files of uploads, and the provenance, each of which speaks of those before it, where they are
// not there already.
func (r *run) attest(ctx context.Context) (err error) {
	task := progress.Start(r.Reporter, "provenance", "list modules")
	defer func() {
		if err != nil {
			fail(ctx, task, err)
			return
		}
		task.Done()
	}()
	a, err := r.newAttestor(ctx)
	if err != nil {
		return err
	}
	group, listing := errgroup.WithContext(ctx)
	for _, deb := range a.made {
		if deb.Kind == Deb {
			group.Go(func() error { return a.packageSBOM(listing, deb) })
		}
	}
	group.Go(func() error { return a.releaseSBOM(listing) })
	if err := group.Wait(); err != nil {
		return err
	}
	task.Step("describe uploads")
	if err := a.uploads(ctx); err != nil {
		return err
	}
	task.Step("sign")
	return a.provenance(ctx)
}

func (r *run) newAttestor(ctx context.Context) (*attestor, error) {
	a := &attestor{
		run: r, made: r.artifacts.sorted(), byPath: map[string]Artifact{}, tool: thisTool(),
		chains: map[string]gocmd.Installation{}, sums: map[string]func() (map[string]string, error){},
	}
	for _, made := range a.made {
		a.byPath[made.Path] = made
	}
	asked := map[string]gocmd.Installation{}
	for name, tree := range r.trees {
		a.sums[name] = sync.OnceValues(tree.GoSums)
		found, ok := asked[tree.Toolchain]
		if !ok {
			var err error
			if found, err = r.command.WithToolchain(tree.Toolchain).Installation(ctx); err != nil {
				return nil, fmt.Errorf("tool chain of %s: %w", name, err)
			}
			asked[tree.Toolchain] = found
		}
		a.chains[name] = found
	}
	return a, nil
}

// document writes a file of the release by fill, unless it was written from key, and notes it.
func (a *attestor) document(ctx context.Context, artifact Artifact, key string, fill func() ([]byte, error)) (ledger.File, error) {
	file, err := a.once(ctx, string(artifact.Kind)+" "+artifact.Path, key, a.path(ledger.File{Path: artifact.Path}), func(w io.Writer) error {
		data, err := fill()
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
	if err != nil {
		return file, fmt.Errorf("%s: %w", artifact.Path, err)
	}
	a.artifacts.add(artifact, file)
	return file, nil
}

// module tells of a module that a program of a source is linked with what its build information leaves out.
func (a *attestor) module(name string, sums map[string]string) func(path, version string) sbom.Module {
	tree := a.trees[name]
	source, _ := a.Spec.Source(name)
	return func(path, version string) sbom.Module {
		m := sbom.Module{Version: version}
		if path == source.Module {
			m.Version, m.License = cmp.Or(version, tree.Stamp.Version), source.License
		}
		for _, s := range tree.Sums {
			if s.Module == path && (m.Version == "" || m.Version == s.Version) {
				m.Version, m.Sum = s.Version, s.Sum
			}
		}
		m.Sum = cmp.Or(m.Sum, sums[path+"@"+m.Version])
		return m
	}
}

// tool is the kubedist that makes the release.
type tool struct {
	Version string // "devel" for one that was compiled from a checkout without version control
	Commit  string // "" where nobody knows
	Go      string // that compiled it
}

// thisTool is what this program says of itself.
func thisTool() tool {
	t := tool{Version: "devel", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return t
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		t.Version = v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			t.Commit = s.Value
		}
	}
	return t
}

// String names the tool as SPDX has it.
func (t tool) String() string { return "kubedist-" + t.Version }

// fields are the parts of the version for provenance.
func (t tool) fields() map[string]string {
	m := map[string]string{"kubedist": t.Version, "go": t.Go}
	if t.Commit != "" {
		m["commit"] = t.Commit
	}
	return m
}

// sourceNames lists the sources of the release, sorted.
func (a *attestor) sourceNames() []string {
	var names []string
	for name := range a.trees {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// supplier is the maintainer as SPDX has suppliers: Organization: NAME (ADDRESS).
func (r *run) supplier() string {
	name, rest, found := strings.Cut(r.Maintainer, " <")
	if !found {
		return "Organization: " + r.Maintainer
	}
	return "Organization: " + name + " (" + strings.TrimSuffix(rest, ">") + ")"
}
