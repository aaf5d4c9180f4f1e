package apt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/deb822"
)

// Preview tells what publishing would change, before it does.
type Preview struct {
	Suites    []SuitePreview `json:"suites"`          // of those that are or would be published, in the definition's order
	Pool      []PoolFile     `json:"pool,omitempty"`  // files that would go into the pool, sorted
	Files     []string       `json:"files,omitempty"` // of keyrings and sources that would be written, sorted
	Snapshots []string       `json:"kept,omitempty"`  // snapshots that would be kept, in the order they were taken
	Warnings  []string       `json:"warnings,omitempty"`
	Refusals  []string       `json:"refusals,omitempty"` // what would keep it from being published
}

// PoolFile is a file of the pool and its size in bytes.
type PoolFile struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
}

// SuitePreview tells what would become of one suite.
type SuitePreview struct {
	Suite    string        `json:"suite"`
	Publish  bool          `json:"publish"`            // false: nothing would be written
	Reason   string        `json:"reason,omitempty"`   // why it would be published
	Packages []Change      `json:"packages,omitempty"` // sorted by package and version
	Fields   []FieldChange `json:"fields,omitempty"`   // of a published Release, without dates and digests, sorted
	Files    []string      `json:"files,omitempty"`    // that its Release would list anew, with other contents, or no longer; sorted
	// ValidUntil is the end of what is published, or would be.
	ValidUntil time.Time `json:"validUntil"`
}

// FieldChange is a field of a Release file and its values; "" is none.
type FieldChange struct {
	Field string `json:"field"`
	Old   string `json:"old,omitempty"`
	New   string `json:"new,omitempty"`
}

// Preview prepares what Publish would do with the same options, without signing it, and tells how it differs from what is
// published. When it would be refused, the error is that [RefusedError], and the preview is there all the same. The
// transaction can go on.
func (t *Transaction) Preview(ctx context.Context, o PublishOptions) (*Preview, error) {
	preview, err := t.preview(ctx, o)
	if err != nil {
		err = atomicfile.Explain(t.disk.root, err)
	}
	return preview, err
}

func (t *Transaction) preview(ctx context.Context, o PublishOptions) (*Preview, error) {
	p, err := t.publication(o)
	if err != nil {
		return nil, err
	}
	if err := p.plan(ctx); err != nil {
		return nil, err
	}
	refusal := p.refuse(ctx)
	var refused *RefusedError
	if refusal != nil && !errors.As(refusal, &refused) {
		return nil, refusal
	}
	v := &Preview{Suites: []SuitePreview{}, Warnings: p.result.Warnings}
	for _, r := range p.result.Suites {
		s, err := p.previewSuite(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("suite %s: %w", r.Suite, err)
		}
		v.Suites = append(v.Suites, s)
	}
	for _, name := range slices.Sorted(maps.Keys(t.pool)) {
		if file := t.pool[name]; file.temp != "" {
			v.Pool = append(v.Pool, PoolFile{name, file.entry.size})
		}
	}
	files, err := p.userFiles()
	if err != nil {
		return nil, err
	}
	v.Files = slices.Sorted(maps.Keys(files))
	for _, s := range t.staged {
		v.Snapshots = append(v.Snapshots, s.name)
	}
	if refused != nil {
		for _, problem := range refused.Problems {
			v.Refusals = append(v.Refusals, problem.Error())
		}
	}
	return v, errors.Join(refusal, p.discard())
}

// discard removes the indices that were written for nothing.
func (p *publication) discard() error {
	for _, d := range p.drafts {
		for _, f := range d.files {
			if f.temp == "" {
				continue
			}
			if err := os.Remove(p.disk.path(f.temp)); err != nil {
				return err
			}
		}
	}
	return nil
}

// previewSuite compares what a suite is with what it would be.
func (p *publication) previewSuite(ctx context.Context, r SuiteResult) (SuitePreview, error) {
	v := SuitePreview{Suite: r.Suite, Publish: r.Published, Reason: r.Reason, ValidUntil: r.ValidUntil}
	i := slices.IndexFunc(p.drafts, func(d *draft) bool { return d.suite.name == r.Suite })
	if i < 0 {
		return v, nil
	}
	d := p.drafts[i]
	// The suite as it was: the one of the transaction has its packages removed.
	was := newSuite(d.suite.name, d.suite.dir)
	was.release = d.suite.release
	for _, key := range p.tree.def.indexKeys() {
		x := d.suite.indices[key]
		if x == nil || !x.changed() {
			continue
		}
		old, err := p.tree.index(ctx, was, key)
		if err != nil {
			return v, err
		}
		v.Packages = append(v.Packages, differences(key.component, old.merged(), x.merged())...)
	}
	if d.suite.sourcesChanged() {
		sources, err := p.tree.sourceDifferences(ctx, was, d.suite)
		if err != nil {
			return v, err
		}
		v.Packages = append(v.Packages, sources...)
	}
	v.Packages = joinChanges(v.Packages)
	var err error
	if v.Fields, err = fieldChanges(d.suite.text, d.release); err != nil {
		return v, err
	}
	v.Files = fileChanges(d.suite.release, d.release)
	return v, nil
}

// fieldChanges compares the text of a Release, if there is one, with another one.
func fieldChanges(old []byte, release *Release) ([]FieldChange, error) {
	if old == nil {
		return nil, nil
	}
	text, err := release.Text()
	if err != nil {
		return nil, err
	}
	values := [2]map[string]string{{}, {}}
	for i, text := range [][]byte{old, text} {
		s, err := deb822.Parse(text, deb822.Limits{Stanza: 16 << 20})
		if err != nil {
			return nil, fmt.Errorf("release: %w", err)
		}
		for _, f := range s {
			values[i][f.Name] = f.Value
		}
	}
	var changes []FieldChange
	all := maps.Clone(values[0])
	maps.Copy(all, values[1])
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if slices.Contains([]string{"Date", "Valid-Until", "SHA256"}, name) || values[0][name] == values[1][name] {
			continue
		}
		changes = append(changes, FieldChange{name, values[0][name], values[1][name]})
	}
	return changes, nil
}

// fileChanges lists the files in which two Releases differ.
func fileChanges(old, release *Release) []string {
	var changes []string
	if old == nil {
		old = &Release{}
	}
	for _, f := range release.Files {
		if was, found := old.File(f.Path); !found || was.SHA256 != f.SHA256 {
			changes = append(changes, f.Path)
		}
	}
	for _, f := range old.Files {
		if _, found := release.File(f.Path); !found {
			changes = append(changes, f.Path)
		}
	}
	slices.SortFunc(changes, strings.Compare)
	return changes
}

// userFiles gives those of the keyring and sources files that are not there as they are to be, by path.
func (p *publication) userFiles() (map[string][]byte, error) {
	files, err := p.wantedUserFiles()
	if err != nil {
		return nil, err
	}
	for name, data := range files {
		if old, err := p.tree.readSmall(name); err == nil && bytes.Equal(old, data) {
			delete(files, name)
		}
	}
	return files, nil
}
