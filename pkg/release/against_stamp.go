package release

import (
	"fmt"
	"time"

	"kubedist/pkg/published"
	"kubedist/pkg/spec"
)

// stampNotes tells a wrong stamp from a real difference: it compares the stamp of a release with what specs/releases knows
// of the published one, for one program.
func stampNotes(m *Manifest, s *spec.Spec, program Artifact) []string {
	known, ok := s.Release(m.Version)
	b, declared := s.Binary(program.Name)
	if !declared || b.Source != PrimarySource(s) {
		return nil
	}
	if !ok {
		return []string{fmt.Sprintf("stamp: none is known of the published %s, so this may be the stamp alone; specs/releases says how to add it", m.Version)}
	}
	var notes []string
	if m.Stamp.Commit != known.Commit {
		notes = append(notes, fmt.Sprintf("stamp: commit is %q, that of the published program is %q", m.Stamp.Commit, known.Commit))
	}
	if m.Stamp.GitTreeState != publishedTreeState {
		notes = append(notes, fmt.Sprintf("stamp: tree state is %q, that of the published program is %q", m.Stamp.GitTreeState, publishedTreeState))
	}
	date, ok := known.BuildDate(b)
	ours := program.BuildDate
	if ours.IsZero() {
		ours = m.Stamp.BuildDate
	}
	switch {
	case !ok:
		notes = append(notes, "stamp: the build date of the published program is not known, so this may be the stamp alone")
	case !ours.Equal(date):
		notes = append(notes, fmt.Sprintf("stamp: build date is %s, that of the published program is %s", ours.UTC().Format(time.RFC3339), date.Format(time.RFC3339)))
	}
	if len(notes) == 0 {
		notes = append(notes, "stamp: the same as that of the published program, so the difference is a real one")
	}
	return notes
}

// publishedTreeState is the tree state of every published release: they are made from a clean checkout.
const publishedTreeState = "clean"

// KnownChecksums returns the digests that specs/releases has of published programs of version.
func KnownChecksums(s *spec.Spec, version string) (*published.Checksums, bool) {
	r, ok := s.Release(version)
	c := &published.Checksums{}
	for _, p := range r.Published {
		c.Entries = append(c.Entries, published.Entry{Program: p.Binary, Platform: p.Platform, Version: version, SHA256: p.SHA256, Place: "specs/releases, " + version})
	}
	return c, ok && len(c.Entries) > 0
}

// PublishedOptions say which published checksums are of interest: all platforms and, of lists that mix programs with
// archives, the programs that follow the version of a release.
func PublishedOptions(s *spec.Spec) published.Options {
	o := published.Options{}
	for _, p := range s.Platforms {
		o.Platforms = append(o.Platforms, p.ID)
	}
	primary := PrimarySource(s)
	for _, b := range s.Binaries {
		if b.Source == primary && len(b.Find) == 0 {
			o.Programs = append(o.Programs, b.Name)
		}
	}
	return o
}
