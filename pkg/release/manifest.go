package release

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/checksum"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/source"
	"kubedist/pkg/spec"
)

// ManifestName is the file of a release that lists all the others.
const ManifestName = "release.json"

// Manifest says what a release consists of and what it was made from. It holds no time of the run and no path of the
// machine: the same release gives the same bytes.
type Manifest struct {
	Schema    int        `json:"schema"` // of this file: 1
	Version   string     `json:"version"`
	Stamp     Stamp      `json:"stamp"`
	SignedBy  string     `json:"signedBy"` // fingerprint
	Sources   []Source   `json:"sources"`
	Platforms []string   `json:"platforms"`
	Extra     []string   `json:"platformsBeyondUpstream,omitempty"` // those that the tree does not list for all they are built for
	Artifacts []Artifact `json:"artifacts"`
	Missing   []Missing  `json:"missing,omitempty"`
}

// Stamp is what the binaries say of themselves.
type Stamp struct {
	Commit       string    `json:"commit,omitempty"`
	GitTreeState string    `json:"gitTreeState"`
	BuildDate    time.Time `json:"buildDate"`
}

// Source is a tree that programs were compiled from.
type Source struct {
	Name    string       `json:"name"`
	Module  string       `json:"module"`
	Version string       `json:"version"`
	Digest  string       `json:"digest"`
	Go      string       `json:"go"`
	Origin  string       `json:"origin"`
	Sums    []source.Sum `json:"sums,omitempty"` // of the modules that it was put together from, as go.sum has them
}

// Missing is a program that official tarballs hold and this release does not.
type Missing struct {
	Program string `json:"program"`
	Why     string `json:"why"`
}

// manifest describes the finished run.
func (r *run) manifest() Manifest {
	m := Manifest{
		Schema: 1, Version: r.plan.Version, SignedBy: r.Signer.Fingerprint(), Extra: r.extra, Artifacts: r.artifacts.sorted(),
		Stamp: r.stamp(),
	}
	for _, s := range r.Spec.Sources {
		if tree, ok := r.trees[s.Name]; ok {
			m.Sources = append(m.Sources, Source{
				Name: s.Name, Module: s.Module, Version: tree.Stamp.Version, Digest: tree.Digest, Go: r.goVersions[s.Name], Origin: tree.Origin, Sums: tree.Sums,
			})
		}
	}
	missing := map[string]bool{}
	for _, a := range m.Artifacts {
		for _, name := range a.Missing {
			missing[name] = true
		}
	}
	for _, p := range r.plan.Platforms {
		if p.Released() {
			m.Platforms = append(m.Platforms, p.Name)
		}
	}
	slices.Sort(m.Platforms)
	for _, b := range r.Spec.Binaries {
		if missing[b.Name] {
			m.Missing = append(m.Missing, Missing{Program: b.Name, Why: cmp.Or(b.Absent, "not built for some of the platforms")})
		}
	}
	return m
}

// primary is the name of the source that the release follows.
func (r *run) primary() string { return PrimarySource(r.Spec) }

// PrimarySource is the name of the source whose version a release has.
func PrimarySource(s *spec.Spec) string {
	for _, source := range s.Sources {
		if source.Primary() {
			return source.Name
		}
	}
	return ""
}

// finish writes manifest, checksums and their signature, in this order, each only where it changes something.
func (r *run) finish(ctx context.Context) error {
	m := r.manifest()
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	data = append(data, '\n')
	if err := r.replace(ManifestName, data); err != nil {
		return err
	}
	manifest, err := checksum.Read(ctx, bytes.NewReader(data))
	if err != nil {
		return err
	}
	names, digests := []string{ManifestName}, []checksum.Digests{manifest}
	for _, a := range m.Artifacts {
		names = append(names, a.Path)
		digests = append(digests, checksum.Digests{Size: a.Size, SHA256: a.SHA256, SHA512: a.SHA512})
	}
	for _, algorithm := range []checksum.Algorithm{checksum.SHA256, checksum.SHA512} {
		var b bytes.Buffer
		if _, err := checksum.NewSums(algorithm, names, digests).WriteTo(&b); err != nil {
			return err
		}
		if err := r.replace(algorithm.FileName(), b.Bytes()); err != nil {
			return err
		}
		if algorithm != checksum.SHA256 {
			continue
		}
		signature, err := openpgp.DetachedAll(ctx, bytes.NewReader(b.Bytes()), signingTime(m.Stamp.BuildDate, r.signers()...), r.signers()...)
		if err != nil {
			return fmt.Errorf("signing %s: %w", algorithm.FileName(), err)
		}
		if err := r.replace(algorithm.FileName()+".asc", signature); err != nil {
			return err
		}
	}
	return r.removeStale(m)
}

// replace writes a file of the release's directory unless it has these bytes already.
func (r *run) replace(name string, data []byte) error {
	path := filepath.Join(r.Dir(), name)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return nil
	}
	r.worked.Store(true)
	return atomicfile.WriteFile(path, data, 0o644)
}
