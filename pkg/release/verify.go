package release

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kubedist/pkg/checksum"
	"kubedist/pkg/deb"
	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/platform"
	"kubedist/pkg/spec"
)

// maxManifest bounds release.json and the sum files, in bytes; a full release has 100 KB.
const maxManifest = 16 << 20

// VerifyOptions say what a release is checked against.
type VerifyOptions struct {
	Keyring []*openpgp.Certificate // keys that may have signed; empty leaves the signature unchecked, which is a finding
	// ProvenanceKeys are plain keys, each of which has to have signed the provenance; see [Options.ProvenanceKey].
	ProvenanceKeys []ed25519.PublicKey

	Spec *spec.Spec // says what a binary of each platform looks like
	Now  time.Time
	Jobs int // files read at a time
}

// Verification is what verifying a release found.
type Verification struct {
	Version string   `json:"version"`
	Signers []string `json:"signers"` // fingerprints
	// Provenance are the ids of the keys that signed the provenance, where the release has one.
	Provenance []string `json:"provenance,omitempty"`
	Files      int      `json:"files"`
	Bytes      int64    `json:"bytes"`
	Findings   []string `json:"findings"` // what is wrong, sorted; empty when all is well
}

// Verify checks the release in dir: the signature over its checksums, every file's digests, that manifest and checksums
// list the same files, that packages and binaries are what the manifest says they are, and that provenance, SBOMs and the
// files of uploads fit them. An error means that it could
// not be checked, findings that it was and is not right.
func Verify(ctx context.Context, dir string, o VerifyOptions) (*Verification, error) {
	v := &verifier{dir: dir, options: o, result: &Verification{Findings: []string{}}}
	sums, err := v.sums(ctx)
	if err != nil {
		return nil, err
	}
	m, err := v.manifest()
	if err != nil {
		return nil, err
	}
	v.result.Version = m.Version
	if err := v.digests(ctx, sums); err != nil {
		return nil, err
	}
	for _, s := range sums {
		v.listed(s, m)
	}
	for _, a := range m.Artifacts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v.result.Files++
		v.result.Bytes += a.Size
		v.artifact(ctx, a)
	}
	v.attestations(ctx, m)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	slices.Sort(v.result.Findings)
	v.result.Findings = slices.Compact(v.result.Findings)
	return v.result, nil
}

type verifier struct {
	dir     string
	options VerifyOptions
	result  *Verification
}

func (v *verifier) find(format string, args ...any) {
	v.result.Findings = append(v.result.Findings, fmt.Sprintf(format, args...))
}

// read reads a file that has to be there.
func (v *verifier) read(name string) ([]byte, error) {
	path := filepath.Join(v.dir, name)
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", path)
	}
	if err != nil {
		return nil, hint.With(err, "give the directory of a finished release, such as out/v1.36.3, or of an apt archive")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err == nil && len(data) > maxManifest {
		err = fmt.Errorf("%s: larger than %d bytes", f.Name(), maxManifest)
	}
	return data, err
}

// sums reads both sum files and checks the signature over the first.
func (v *verifier) sums(ctx context.Context) ([]checksum.Sums, error) {
	var list []checksum.Sums
	for _, algorithm := range []checksum.Algorithm{checksum.SHA256, checksum.SHA512} {
		data, err := v.read(algorithm.FileName())
		if err != nil {
			return nil, err
		}
		sums, err := checksum.Parse(bytes.NewReader(data), algorithm)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", algorithm.FileName(), err)
		}
		list = append(list, sums)
		if algorithm == checksum.SHA256 {
			v.signature(ctx, data, algorithm.FileName()+".asc")
		}
	}
	return list, nil
}

func (v *verifier) signature(ctx context.Context, data []byte, name string) {
	signature, err := v.read(name)
	if err != nil {
		v.find("%s: %v", name, err)
		return
	}
	if len(v.options.Keyring) == 0 {
		v.find("%s: not checked: no key was given to check it with", name)
		return
	}
	signers, err := openpgp.VerifyDetached(ctx, bytes.NewReader(data), signature, v.options.Keyring, v.options.Now)
	if err != nil {
		v.find("%s: %v", name, err)
		return
	}
	v.result.Signers = signers
}

// manifest reads release.json, whose digest the sums hold.
func (v *verifier) manifest() (*Manifest, error) {
	data, err := v.read(ManifestName)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	m := &Manifest{}
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("%s: %w", ManifestName, err)
	}
	return m, nil
}

// digests compares every file with both sum files. Checksums and their signature are not listed in themselves.
func (v *verifier) digests(ctx context.Context, all []checksum.Sums) error {
	for _, sums := range all {
		found, err := checksum.Verify(ctx, v.dir, sums, checksum.VerifyOptions{Jobs: v.options.Jobs, Ignore: func(name string) bool {
			return strings.HasPrefix(name, ".kubedist/") || slices.Contains([]string{checksum.SHA256.FileName(), checksum.SHA512.FileName(), checksum.SHA256.FileName() + ".asc"}, name)
		}})
		if err != nil {
			return err
		}
		for _, f := range found {
			v.find("%s", f)
		}
	}
	return nil
}

// listed makes sure that manifest and checksums speak of the same files.
func (v *verifier) listed(sums checksum.Sums, m *Manifest) {
	inManifest := map[string]bool{ManifestName: true}
	for _, a := range m.Artifacts {
		inManifest[a.Path] = true
		want := checksum.Digests{SHA256: a.SHA256, SHA512: a.SHA512}.Of(sums.Algorithm)
		if got := sums.Files[a.Path]; got != want {
			v.find("%s: %s says %s, %s says %q", a.Path, ManifestName, want, sums.Algorithm.FileName(), got)
		}
	}
	for name := range sums.Files {
		if !inManifest[name] {
			v.find("%s: in %s, but not in %s", name, sums.Algorithm.FileName(), ManifestName)
		}
	}
}

// artifact checks that a file is what the manifest says it is.
func (v *verifier) artifact(ctx context.Context, a Artifact) {
	if !filepath.IsLocal(filepath.FromSlash(a.Path)) {
		v.find("%s: leaves the release's directory", a.Path)
		return
	}
	name := filepath.Join(v.dir, filepath.FromSlash(a.Path))
	if info, err := os.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return // the digests have found that already
	}
	var err error
	switch a.Kind {
	case Deb:
		err = checkPackage(ctx, name, a)
	case Binary:
		id, perr := platform.Parse(a.Platform)
		p, ok := v.options.Spec.Platform(id)
		if perr != nil || !ok {
			err = fmt.Errorf("platform %q is unknown", a.Platform)
		} else {
			err = p.CheckBinary(name)
		}
	}
	if err != nil {
		v.find("%s: %v", a.Path, err)
	}
}

// checkPackage reads a package as the archive would and compares it with the manifest.
func checkPackage(ctx context.Context, name string, a Artifact) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := deb.Read(ctx, f, deb.Limits{})
	if err != nil {
		return err
	}
	switch {
	case info.Package != a.Name || info.Version != a.Version:
		return fmt.Errorf("holds %s %s, not %s %s", info.Package, info.Version, a.Name, a.Version)
	case deb.Name(info) != path.Base(a.Path):
		return fmt.Errorf("holds %s", deb.Name(info))
	case hex.EncodeToString(info.SHA256[:]) != a.SHA256:
		return errors.New("changed while it was read")
	}
	return nil
}
