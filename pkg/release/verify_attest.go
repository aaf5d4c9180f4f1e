package release

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"kubedist/pkg/changes"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/provenance"
	"kubedist/pkg/sbom"
)

// attested is what verifying knows of the files that a manifest lists.
type attested struct {
	*verifier
	manifest *Manifest
	byPath   map[string]Artifact
	listed   map[Kind]map[string]bool // of the kinds that there are: paths that documents about packages speak of
}

// attestations checks the provenance, the SBOMs and the files of uploads that the manifest lists: their signatures, and
// that they speak of the release's files as they are, and of all of them. A release made before there were any has none.
func (v *verifier) attestations(ctx context.Context, m *Manifest) {
	a := &attested{verifier: v, manifest: m, byPath: map[string]Artifact{}, listed: map[Kind]map[string]bool{}}
	for _, x := range m.Artifacts {
		a.byPath[x.Path] = x
		if x.Kind == SBOM || x.Kind == BuildInfo || x.Kind == Changes {
			a.listed[x.Kind] = map[string]bool{}
		}
	}
	for _, x := range m.Artifacts {
		check := map[Kind]func(context.Context, Artifact, []byte) error{SBOM: a.sbom, BuildInfo: a.upload, Changes: a.upload, Provenance: a.provenance}[x.Kind]
		if check == nil || ctx.Err() != nil {
			continue
		}
		data, err := v.document(x.Path)
		if err == nil {
			err = check(ctx, x, data)
		}
		if err != nil {
			v.find("%s: %v", x.Path, err)
		}
	}
	for kind, paths := range a.listed { // findings are sorted in the end
		for _, x := range m.Artifacts {
			if x.Kind == Deb && !paths[x.Path] {
				v.find("%s: no %s of its own speaks of it", x.Path, kind)
			}
		}
	}
	if len(v.options.ProvenanceKeys) > 0 && len(v.result.Provenance) == 0 {
		v.find("%s: no provenance signed by the key given for it", ManifestName)
	}
}

// document reads a listed file.
func (v *verifier) document(name string) ([]byte, error) {
	if path.Clean(name) != name || strings.HasPrefix(name, "../") || strings.HasPrefix(name, "/") {
		return nil, errors.New("not below the release's directory")
	}
	return v.read(name)
}

// claim compares what a document says of a file with the manifest.
func (a *attested) claim(name, sha256 string) error {
	x, ok := a.byPath[name]
	switch {
	case !ok:
		return fmt.Errorf("speaks of %.200q, which is no part of the release", name)
	case x.SHA256 != sha256:
		return fmt.Errorf("says that %s has SHA-256 %s, which has %s", name, sha256, x.SHA256)
	}
	return nil
}

// covers reports the first file of some kinds that is not among those a document speaks of.
func (a *attested) covers(speaks map[string]bool, kinds ...Kind) error {
	for _, x := range a.manifest.Artifacts {
		if slices.Contains(kinds, x.Kind) && !speaks[x.Path] {
			return fmt.Errorf("does not speak of %s", x.Path)
		}
	}
	return nil
}

// sbom checks a document about a package, or the one about the release.
func (a *attested) sbom(_ context.Context, x Artifact, data []byte) error {
	d, err := sbom.Parse(data)
	if err != nil {
		return err
	}
	if _, file := d.About(); len(x.From) > 0 && !slices.Equal(x.From, []string{file}) {
		return fmt.Errorf("is about %.200q, not %s", file, strings.Join(x.From, ", "))
	}
	speaks := map[string]bool{}
	for _, c := range d.Artifacts() {
		if err := a.claim(c.Name, c.SHA256); err != nil {
			return err
		}
		speaks[c.Name] = true
	}
	if len(x.From) > 0 {
		maps.Copy(a.listed[SBOM], speaks)
		return nil
	}
	for _, c := range d.Contents() {
		if err := a.claim(c.Name, c.SHA256); err != nil {
			return err
		}
		speaks[c.Name] = true
	}
	return a.covers(speaks, Binary, Deb, TarFile, ImageTar)
}

// upload checks a .buildinfo or .changes. These have one signature, by the key that signed the packages. Where the keyring
// holds another of the release's keys alone, their digest in the signed checksums has to do.
func (a *attested) upload(_ context.Context, x Artifact, data []byte) error {
	text, _, err := openpgp.VerifyClearsigned(data, a.options.Keyring, a.options.Now)
	if errors.Is(err, openpgp.ErrUnknownSigner) {
		text, err = openpgp.Cleartext(data)
	}
	if err != nil {
		return err
	}
	l, err := changes.Parse(text)
	if err != nil {
		return err
	}
	if l.Source != x.Name || l.Version != x.Version {
		return fmt.Errorf("is about %s %s, not %s %s", l.Source, l.Version, x.Name, x.Version)
	}
	for _, f := range l.Files {
		name := path.Join(path.Dir(x.Path), f.Name)
		if err := a.claim(name, f.SHA256); err != nil {
			return err
		}
		a.listed[x.Kind][name] = true
		if size := a.byPath[name].Size; f.Size != size {
			return fmt.Errorf("says that %s has %d bytes, which has %d", name, f.Size, size)
		}
	}
	return nil
}

// provenance checks the envelope, and that its statement is about all files of the release and no others.
func (a *attested) provenance(ctx context.Context, _ Artifact, data []byte) error {
	s, signers, err := provenance.Verify(ctx, data, provenance.VerifyOptions{Keyring: a.options.Keyring, Ed25519: a.options.ProvenanceKeys, Now: a.options.Now})
	if err != nil {
		return err
	}
	a.result.Provenance = signers
	if got := s.Predicate.BuildDefinition.BuildType; got != provenance.BuildType {
		return fmt.Errorf("is about a build of type %.200q", got)
	}
	if got := s.Predicate.BuildDefinition.External.Version; got != a.manifest.Version {
		return fmt.Errorf("is about version %.80q, not %s", got, a.manifest.Version)
	}
	if got, want := s.Predicate.RunDetails.Builder.ID, provenance.BuilderID(a.manifest.SignedBy); got != want {
		return fmt.Errorf("names the builder %.200q, not %s", got, want)
	}
	// Who holds another of the release's keys alone cannot check the builder's own signature.
	known := slices.ContainsFunc(a.options.Keyring, func(c *openpgp.Certificate) bool { return c.Fingerprint() == a.manifest.SignedBy })
	if known && !slices.Contains(signers, a.manifest.SignedBy) {
		return fmt.Errorf("names the builder %s, who has not signed it", a.manifest.SignedBy)
	}
	speaks := map[string]bool{}
	for _, subject := range s.Subject {
		if err := a.claim(subject.Name, subject.Digest["sha256"]); err != nil {
			return err
		}
		speaks[subject.Name] = true
	}
	for _, x := range a.manifest.Artifacts {
		if !slices.Contains([]Kind{Binary, Deb, TarFile, ImageTar, Blob, SBOM, BuildInfo, Changes, Provenance}, x.Kind) {
			return fmt.Errorf("%s is of the unknown kind %.40q", x.Path, x.Kind)
		}
	}
	return a.covers(speaks, Binary, Deb, TarFile, ImageTar, Blob, SBOM, BuildInfo, Changes)
}
