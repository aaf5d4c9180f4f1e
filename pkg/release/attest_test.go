package release

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdxlib"

	"kubedist/pkg/checksum"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/provenance"
)

// provenanceKey makes a plain key, as a release manager would with openssl.
func provenanceKey(t *testing.T) *provenance.Ed25519 {
	t.Helper()
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "provenance.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := provenance.LoadEd25519(path)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestAttestations makes a release for two platforms, and looks at what it says of itself; then it changes that in ways
// that verifying has to notice even where the checksums are signed anew.
func TestAttestations(t *testing.T) {
	t.Parallel()
	key, plain, other := newKey(t), provenanceKey(t), provenanceKey(t)
	o := smallRelease(t, key, "linux/amd64", "linux/arm64")
	o.ProvenanceKey = plain
	result := mustRun(t, o)
	options := VerifyOptions{Keyring: []*openpgp.Certificate{key.Public()}, ProvenanceKeys: []ed25519.PublicKey{plain.Public()}, Spec: o.Spec, Now: epoch, Jobs: 2}
	v, err := Verify(t.Context(), o.Dir(), options)
	if err != nil || len(v.Findings) > 0 || !slices.Equal(v.Provenance, []string{key.Fingerprint(), plain.KeyID()}) {
		t.Fatalf("verifying: %v, %+v", err, v)
	}
	t.Run("SBOMs", func(t *testing.T) { checkSBOMs(t, o, result) })
	t.Run("statement", func(t *testing.T) { checkStatement(t, o, result, key) })
	t.Run("uploads", func(t *testing.T) { checkUploads(t, o) })
	t.Run("another plain key", func(t *testing.T) {
		wrong := options
		wrong.ProvenanceKeys = []ed25519.PublicKey{other.Public()}
		v, err := Verify(t.Context(), o.Dir(), wrong)
		if err != nil || !slices.ContainsFunc(v.Findings, func(f string) bool { return strings.HasPrefix(f, ProvenanceName+": envelope: bad signature") }) {
			t.Errorf("%v, %+v", err, v)
		}
	})
	for name, c := range forgeries(t, key, plain) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(dir, os.DirFS(o.Dir())); err != nil {
				t.Fatal(err)
			}
			m := readManifest(t, dir)
			c.forge(t, dir, m)
			seal(t, dir, m, key)
			v, err := Verify(t.Context(), dir, options)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" && len(v.Findings) > 0 || c.want != "" && !slices.ContainsFunc(v.Findings, func(f string) bool { return strings.Contains(f, c.want) }) {
				t.Errorf("findings %q, want one with %q", v.Findings, c.want)
			}
		})
	}
	// A release of before there were any has none. Whoever expects a plain key to have signed is told.
	t.Run("an old release", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(dir, os.DirFS(o.Dir())); err != nil {
			t.Fatal(err)
		}
		m := readManifest(t, dir)
		for _, a := range m.Artifacts {
			if !isMade(a) {
				if err := os.Remove(filepath.Join(dir, a.Path)); err != nil {
					t.Fatal(err)
				}
			}
		}
		m.Artifacts = slices.DeleteFunc(m.Artifacts, func(a Artifact) bool { return !isMade(a) })
		seal(t, dir, m, key)
		old := options
		old.ProvenanceKeys = nil
		if v, err := Verify(t.Context(), dir, old); err != nil || len(v.Findings) > 0 {
			t.Errorf("%v, %+v", err, v)
		}
		if v, err := Verify(t.Context(), dir, options); err != nil || len(v.Findings) != 1 || !strings.Contains(v.Findings[0], "no provenance signed by the key") {
			t.Errorf("%v, %+v", err, v)
		}
	})
}

// isMade tells programs, packages and tarballs from what speaks of them.
func isMade(a Artifact) bool { return slices.Contains([]Kind{Binary, Deb, TarFile}, a.Kind) }

type forgery struct {
	forge func(t *testing.T, dir string, m *Manifest)
	want  string
}

// forgeries are changes to a release whose manifest and checksums are made and signed anew afterwards.
func forgeries(t *testing.T, key *openpgp.Key, plain *provenance.Ed25519) map[string]forgery {
	t.Helper()
	replace := func(name, old, with string) func(*testing.T, string, *Manifest) {
		return func(t *testing.T, dir string, _ *Manifest) {
			path := filepath.Join(dir, filepath.FromSlash(name))
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			changed := bytes.ReplaceAll(data, []byte(old), []byte(with))
			if bytes.Equal(data, changed) {
				t.Fatalf("%s does not have %q", name, old)
			}
			if err := os.WriteFile(path, changed, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	// restate signs the statement anew after a change.
	restate := func(change func(s *provenance.Statement)) func(*testing.T, string, *Manifest) {
		return func(t *testing.T, dir string, _ *Manifest) {
			s := statement(t, dir, key)
			change(s)
			payload, err := s.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			data, err := provenance.Sign(t.Context(), payload, provenance.OpenPGP(key, epoch), plain)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, ProvenanceName), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	drop := func(name string) func(*testing.T, string, *Manifest) {
		return func(t *testing.T, dir string, m *Manifest) {
			if err := os.Remove(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
				t.Fatal(err)
			}
			m.Artifacts = slices.DeleteFunc(m.Artifacts, func(a Artifact) bool { return a.Path == name })
		}
	}
	const kubeadm = "sbom/kubeadm_1.36.3-1.1_amd64.spdx.json"
	return map[string]forgery{
		"nothing":               {func(*testing.T, string, *Manifest) {}, ""},
		"a changed program":     {replace("bin/linux/amd64/kubeadm", "go1.", "go2."), ProvenanceName + ": says that bin/linux/amd64/kubeadm has SHA-256"},
		"a changed upload":      {replace("debs/kubeadm_1.36.3-1.1_multi.changes", "medium", "hurry"), "it does not fit the data"},
		"an unsigned upload":    {replace("debs/kubeadm_1.36.3-1.1_multi.buildinfo", "-----BEGIN PGP SIGNED MESSAGE-----", ""), "malformed"},
		"an SBOM of another":    {replace(kubeadm, "debs/kubeadm_", "debs/kubelet_"), kubeadm + `: is about "debs/kubelet_1.36.3-1.1_amd64.deb"`},
		"an SBOM that is none":  {replace(kubeadm, "SPDX-2.3", "SPDX-9.9"), kubeadm + ": SBOM"},
		"no SBOM of a package":  {drop(kubeadm), "debs/kubeadm_1.36.3-1.1_amd64.deb: no sbom of its own speaks of it"},
		"no upload":             {drop("debs/kubectl_1.36.3-1.1_multi.changes"), "debs/kubectl_1.36.3-1.1_amd64.deb: no changes of its own speaks of it"},
		"no provenance":         {drop(ProvenanceName), "no provenance signed by the key"},
		"a subject less":        {restate(func(s *provenance.Statement) { s.Subject = s.Subject[1:] }), "does not speak of bin/linux/amd64/apiextensions-apiserver"},
		"a subject more":        {restate(func(s *provenance.Statement) { s.Subject[0].Name = "bin/evil" }), `speaks of "bin/evil"`},
		"another version":       {restate(func(s *provenance.Statement) { s.Predicate.BuildDefinition.External.Version = "v1.36.4" }), `about version "v1.36.4"`},
		"another builder":       {restate(func(s *provenance.Statement) { s.Predicate.RunDetails.Builder.ID = "openpgp4fpr:0" }), `names the builder "openpgp4fpr:0"`},
		"another kind of build": {restate(func(s *provenance.Statement) { s.Predicate.BuildDefinition.BuildType = "x:y" }), `build of type "x:y"`},
		"a program the SBOM does not list": {func(t *testing.T, _ string, m *Manifest) {
			for i := range m.Artifacts {
				if m.Artifacts[i].Path == "bin/linux/amd64/kubeadm" {
					m.Artifacts[i].Kind = BuildInfo
				}
			}
		}, "bin/linux/amd64/kubeadm: "},
	}
}

func readManifest(t *testing.T, dir string) *Manifest {
	t.Helper()
	m, err := (&verifier{dir: dir}).manifest()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// seal writes and signs manifest and checksums for the files as they are now.
func seal(t *testing.T, dir string, m *Manifest, key *openpgp.Key) {
	t.Helper()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for i := range m.Artifacts {
		a := &m.Artifacts[i]
		d, err := checksum.File(t.Context(), filepath.Join(dir, filepath.FromSlash(a.Path)))
		if err != nil {
			t.Fatal(err)
		}
		a.Size, a.SHA256, a.SHA512 = d.Size, d.SHA256, d.SHA512
		names = append(names, a.Path)
	}
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	write(ManifestName, data)
	names = append(names, ManifestName)
	digests, err := checksum.Files(t.Context(), dir, names, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, algorithm := range []checksum.Algorithm{checksum.SHA256, checksum.SHA512} {
		var b bytes.Buffer
		if _, err := checksum.NewSums(algorithm, names, digests).WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		write(algorithm.FileName(), b.Bytes())
		signature, err := key.Detached(t.Context(), bytes.NewReader(b.Bytes()), epoch)
		if err != nil {
			t.Fatal(err)
		}
		if algorithm == checksum.SHA256 {
			write(algorithm.FileName()+".asc", signature)
		}
	}
}

// statement reads the provenance of a release.
func statement(t *testing.T, dir string, key *openpgp.Key) *provenance.Statement {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, ProvenanceName))
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := provenance.Verify(t.Context(), data, provenance.VerifyOptions{Keyring: []*openpgp.Certificate{key.Public()}, Now: epoch})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checkSBOMs has tools-golang read every document, and finds the modules of kubeadm.
func checkSBOMs(t *testing.T, o Options, result *Result) {
	count := 0
	for _, a := range result.Artifacts {
		if a.Kind != SBOM {
			continue
		}
		count++
		f, err := os.Open(filepath.Join(o.Dir(), a.Path))
		if err != nil {
			t.Fatal(err)
		}
		d, err := spdxjson.Read(f)
		if err == nil {
			err = spdxlib.ValidateDocument(d)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if err != nil {
			t.Errorf("%s: %v", a.Path, err)
			continue
		}
		if a.Path != "sbom/kubeadm_1.36.3-1.1_amd64.spdx.json" {
			continue
		}
		var have []string
		for _, p := range d.Packages {
			have = append(have, p.PackageName+" "+p.PackageVersion+" "+p.PackageLicenseDeclared)
		}
		var files []string
		for _, file := range d.Files {
			files = append(files, file.FileName)
		}
		for _, want := range []string{"k8s.io/kubernetes v1.36.3 Apache-2.0", "kubeadm 1.36.3-1.1 Apache-2.0"} {
			if !slices.Contains(have, want) {
				t.Errorf("%s: packages %q, want %s", a.Path, have, want)
			}
		}
		if !slices.ContainsFunc(have, func(p string) bool { return strings.HasPrefix(p, "stdlib 1.") }) || !slices.Contains(files, "./usr/bin/kubeadm") {
			t.Errorf("%s: packages %q, files %q", a.Path, have, files)
		}
	}
	if count != 11 { // five packages for two platforms, and the release
		t.Errorf("%d SBOMs", count)
	}
}

func checkStatement(t *testing.T, o Options, result *Result, key *openpgp.Key) {
	s := statement(t, o.Dir(), key)
	if len(s.Subject) != len(result.Artifacts)-1 {
		t.Errorf("%d subjects of %d files", len(s.Subject), len(result.Artifacts))
	}
	d := s.Predicate.BuildDefinition
	if !slices.Equal(d.External.Platforms, []string{"linux/amd64", "linux/arm64"}) || d.External.Spec.Digest["sha256"] != o.Spec.Digest || d.External.Revision != "1.1" ||
		d.External.BuildDate != "2026-09-21T14:13:20Z" {
		t.Errorf("external parameters %+v", d.External)
	}
	if len(d.Internal.Toolchains) != 3 || !strings.HasPrefix(d.Internal.Toolchains[0].Go, "go1.") {
		t.Errorf("internal parameters %+v", d.Internal)
	}
	m := readManifest(t, o.Dir())
	for _, source := range m.Sources {
		if !slices.ContainsFunc(d.Dependencies, func(r provenance.Resource) bool {
			return r.Name == source.Name && r.Digest["kubedistTree"] == source.Digest
		}) {
			t.Errorf("source %s is none of %+v", source.Name, d.Dependencies)
		}
	}
}

// checkUploads looks at one of the pairs of files.
func checkUploads(t *testing.T, o Options) {
	for name, want := range map[string][]string{
		"debs/kubeadm_1.36.3-1.1_multi.changes": {
			"\nSource: kubeadm\n", "\nArchitecture: amd64 arm64\n", "\nDistribution: stable\n", " kubeadm_1.36.3-1.1_arm64.deb\n", " kubeadm_1.36.3-1.1_multi.buildinfo\n",
			"\nDate: Mon, 21 Sep 2026 14:13:20 +0000\n", "\n   * kubernetes v1.36.3.\n",
		},
		"debs/kubeadm_1.36.3-1.1_multi.buildinfo": {"\nBuild-Go: go1.", "\nBuild-Source: k8s.io/kubernetes v1.36.3\n", ` SOURCE_DATE_EPOCH="1790000000"`},
	} {
		text, err := os.ReadFile(filepath.Join(o.Dir(), filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range want {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s does not have %q:\n%s", name, part, text)
			}
		}
	}
}
