package release

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"kubedist/pkg/bindiff"
	"kubedist/pkg/checksum"
	"kubedist/pkg/platform"
	"kubedist/pkg/published"
	"kubedist/pkg/spec"
)

// AgainstOptions say what a release is compared with.
type AgainstOptions struct {
	Published *published.Checksums
	Spec      *spec.Spec
	Programs  []string      // compare these alone; empty means all
	Platforms []platform.ID // compare these alone; empty means all
	Jobs      int           // files read at a time; less than one means one
}

// Status says how a program of a release and a published one compare.
type Status string

// What a comparison finds. Programs may rely on the words.
const (
	Identical   Status = "identical"   // the same bytes
	Different   Status = "different"   // other bytes
	NotMade     Status = "missing"     // published, but not in the release
	Unpublished Status = "unpublished" // in the release, but nothing is published to compare it with
)

// Comparison is how a release and what is published compare.
type Comparison struct {
	Version  string      `json:"version"`
	Programs []*Compared `json:"programs"` // by program and platform
	// Beyond are the programs of the release of which nothing is published on any platform, and that are not of its
	// version: those of other projects. They were not compared.
	Beyond []string `json:"beyond,omitempty"`
	// Untried are the programs that were not made, each with the reason: see Rebuild.
	Untried []string `json:"untried,omitempty"`
	// Changed are the files in which the source differs from what the module proxy serves as that version; Notes says why
	// that could not be told. Both are of Rebuild and RebuildProgram, where a program is different.
	Changed []string `json:"changed,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

// Compared is one program on one platform.
type Compared struct {
	Program  string `json:"program"`
	Platform string `json:"platform"`
	Status   Status `json:"status"`
	Path     string `json:"path,omitempty"`     // of the program below the release's directory
	Expected string `json:"expected,omitempty"` // SHA-256 as published
	Got      string `json:"got,omitempty"`      // SHA-256 of the program in the release
	Source   string `json:"source,omitempty"`   // where the published digest stands
	// Notes are reasons that can be told without the published program: a stamp that is not the published one, a program
	// that was changed after the release was made.
	Notes []string `json:"notes,omitempty"`
	// Difference compares the release's program (first) with the published one (second). It is set where that is at hand,
	// else BuildInfo is that of the release's.
	Difference *bindiff.Difference `json:"difference,omitempty"`
	BuildInfo  []string            `json:"buildInfo,omitempty"`

	artifact  Artifact
	published published.Entry
}

// Count returns how many programs have a status.
func (c *Comparison) Count(s Status) int {
	n := 0
	for _, p := range c.Programs {
		if p.Status == s {
			n++
		}
	}
	return n
}

// ErrNothingCompared is the error when no program of a release is among those published for its version.
var ErrNothingCompared = errors.New("nothing to compare")

// Against compares the programs of the release in dir with those published for its version. The bytes in dir count, not
// what release.json says of them. An error means that there was nothing to compare, or that it could not be read.
func Against(ctx context.Context, dir string, o AgainstOptions) (*Comparison, error) {
	m, err := (&verifier{dir: dir}).manifest()
	if err != nil {
		return nil, err
	}
	return against(ctx, dir, m, o)
}

// against is Against with the manifest m, which need not have been written.
func against(ctx context.Context, dir string, m *Manifest, o AgainstOptions) (*Comparison, error) {
	c := &Comparison{Version: m.Version, Programs: []*Compared{}}
	if err := c.match(m, o); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if !slices.ContainsFunc(c.Programs, func(p *Compared) bool { return p.artifact.Path != "" && p.published.SHA256 != "" }) {
		return nil, fmt.Errorf("%s: %w: no program of it is among those published for %s", dir, ErrNothingCompared, m.Version)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(o.Jobs, 1))
	for _, p := range c.Programs {
		if p.artifact.Path != "" && p.published.SHA256 != "" {
			group.Go(func() error { return p.compare(ctx, root, m, o.Spec) })
		}
	}
	return c, group.Wait()
}

// match pairs what the release has with what is published.
func (c *Comparison) match(m *Manifest, o AgainstOptions) error {
	type key struct {
		program  string
		platform platform.ID
	}
	pairs := map[key]*Compared{}
	listed := map[string]bool{}
	pair := func(program string, id platform.ID) *Compared {
		if len(o.Programs) > 0 && !slices.Contains(o.Programs, program) || len(o.Platforms) > 0 && !slices.Contains(o.Platforms, id) {
			return &Compared{}
		}
		k := key{program, id}
		if pairs[k] == nil {
			pairs[k] = &Compared{Program: program, Platform: id.String()}
		}
		return pairs[k]
	}
	for _, e := range o.Published.Of(m.Version) {
		listed[e.Program] = true
		p := pair(e.Program, e.Platform)
		p.published, p.Status, p.Expected, p.Source = e, NotMade, e.SHA256, e.Place
	}
	beyond := map[string]bool{}
	for _, a := range m.Artifacts {
		id, err := platform.Parse(a.Platform)
		if a.Kind != Binary || err != nil {
			continue
		}
		if !listed[a.Name] && a.Version != m.Version {
			beyond[a.Name] = true
			continue
		}
		p := pair(a.Name, id)
		if p.artifact.Path != "" {
			return fmt.Errorf("%s lists %s of %s twice: %s and %s", ManifestName, a.Name, id, p.artifact.Path, a.Path)
		}
		p.artifact, p.Path = a, a.Path
		if p.Status == "" {
			p.Status = Unpublished
		}
	}
	for _, p := range pairs {
		c.Programs = append(c.Programs, p)
	}
	slices.SortFunc(c.Programs, compareRows)
	for name := range beyond {
		c.Beyond = append(c.Beyond, name)
	}
	slices.Sort(c.Beyond)
	return nil
}

// compareRows orders programs by name and platform.
func compareRows(a, b *Compared) int {
	return cmp.Or(cmp.Compare(a.Program, b.Program), cmp.Compare(a.Platform, b.Platform))
}

// compare reads the program in the release, and explains it when it is not the published one.
func (p *Compared) compare(ctx context.Context, root *os.Root, m *Manifest, s *spec.Spec) error {
	name := filepath.FromSlash(p.artifact.Path)
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		p.Status, p.Path, p.Notes = NotMade, "", []string{ManifestName + " lists " + p.artifact.Path + ", which is not there"}
		return nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.artifact.Path, err)
	}
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	got, err := checksum.Read(ctx, f)
	if err != nil {
		return fmt.Errorf("digest of %s: %w", p.artifact.Path, err)
	}
	p.Status, p.Got = Identical, got.SHA256
	if got.SHA256 != p.artifact.SHA256 {
		p.Notes = append(p.Notes, "not the program that "+ManifestName+" describes: it was changed after the release was made")
	}
	if got.SHA256 == p.Expected {
		return nil
	}
	p.Status = Different
	p.Notes = append(p.Notes, stampNotes(m, s, p.artifact)...)
	return p.explain(ctx, filepath.Join(root.Name(), name))
}

// explain says in what the program at path differs from the published one.
func (p *Compared) explain(ctx context.Context, path string) error {
	if p.published.File != "" {
		beside, err := checksum.File(ctx, p.published.File)
		if err != nil {
			return err
		}
		if beside.SHA256 == p.Expected {
			p.Difference, err = bindiff.Files(ctx, path, p.published.File)
			return err
		}
		p.Notes = append(p.Notes, fmt.Sprintf("%s is not the published program: its digest is %s", p.published.File, beside.SHA256))
	}
	lines, err := bindiff.BuildInfo(path)
	if err != nil {
		p.Notes = append(p.Notes, err.Error())
	}
	p.BuildInfo = lines
	return nil
}
