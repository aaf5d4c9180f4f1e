package spec_test

import (
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"kubedist/pkg/spec"
	"kubedist/specs"
	"kubedist/templates"
)

// TestDigest computes the digest as its description says: with sha256sum.
func TestDigest(t *testing.T) {
	t.Parallel()
	s, err := spec.Load(specs.FS, templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("sha256sum"); err != nil {
		t.Skip("sha256sum is not installed")
	}
	script := `{ find specs -name '*.yaml'
		sed -n 's/.*template: \([^,}]*\).*/templates\/\1/p; s/^ *\(preinst\|postinst\|prerm\|postrm\): */templates\//p' specs/packages/*.yaml specs/bases/*.yaml
	} | LC_ALL=C sort -u | xargs sha256sum | sha256sum`
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Fields(string(out))[0] != s.Digest {
		t.Errorf("sha256sum says %s (%v), the digest is %s", out, err, s.Digest)
	}
}

// TestDigestChanges with what counts, and with nothing else.
func TestDigestChanges(t *testing.T) {
	t.Parallel()
	copyOf := func(fsys fs.FS) fstest.MapFS {
		m := fstest.MapFS{}
		err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(fsys, name)
			m[name] = &fstest.MapFile{Data: data}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	load := func(change func(specs, templates fstest.MapFS)) string {
		from, texts := copyOf(specs.FS), copyOf(templates.FS)
		change(from, texts)
		s, err := spec.Load(from, texts)
		if err != nil {
			t.Fatal(err)
		}
		return s.Digest
	}
	base := load(func(_, _ fstest.MapFS) {})
	for name, c := range map[string]struct {
		change func(specs, templates fstest.MapFS)
		same   bool
	}{
		"a comment":       {func(specs, _ fstest.MapFS) { f := specs["sources.yaml"]; f.Data = append(f.Data, "# more\n"...) }, false},
		"a template":      {func(_, texts fstest.MapFS) { f := texts["kubelet/postinst"]; f.Data = append(f.Data, "# more\n"...) }, false},
		"an unused one":   {func(_, texts fstest.MapFS) { texts["kubelet/other"] = &fstest.MapFile{Data: []byte("x")} }, true},
		"a page on specs": {func(specs, _ fstest.MapFS) { specs["README.md"] = &fstest.MapFile{Data: []byte("x")} }, true},
	} {
		if got := load(c.change); (got == base) != c.same {
			t.Errorf("%s: the digest is %s, before %s", name, got, base)
		}
	}
}
