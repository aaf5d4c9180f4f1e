package deb_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kubedist/pkg/deb"
	"kubedist/pkg/openpgp"
)

// run runs one of Debian's own tools, or skips the test where there is none.
func run(t *testing.T, tool string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Skipf("%s is not installed: apt-get install dpkg debsig-verify", tool)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func saved(t *testing.T, archive []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "package.deb")
	if err := os.WriteFile(path, archive, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDpkgUnpacksWhatIsWritten(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"zstd", "gzip", "xz", "none"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			p := node(t)
			path := saved(t, write(t, p, deb.Options{Compression: compression(t, method)}))
			if out, err := run(t, "dpkg-deb", "--field", path, "Package", "Version"); err != nil || out != "Package: kubelet\nVersion: 1.37.0~rc.0-1.1\n" {
				t.Errorf("dpkg-deb --field says %q, %v", out, err)
			}
			root := t.TempDir()
			if out, err := run(t, "dpkg-deb", "--extract", path, root); err != nil {
				t.Fatalf("dpkg-deb --extract: %v\n%s", err, out)
			}
			for _, f := range p.Files {
				info, err := os.Stat(filepath.Join(root, f.Path))
				if err != nil {
					t.Error(err)
					continue
				}
				want := f.Mode
				if want == 0 && f.Dir {
					want = 0o755
				} else if want == 0 {
					want = 0o644
				}
				if info.Mode().Perm() != want || info.IsDir() != f.Dir || !info.ModTime().Equal(writtenAt) {
					t.Errorf("%s unpacked as %s of %s", f.Path, info.Mode(), info.ModTime())
				}
			}
			scripts := t.TempDir()
			if out, err := run(t, "dpkg-deb", "--control", path, scripts); err != nil {
				t.Fatalf("dpkg-deb --control: %v\n%s", err, out)
			}
			if got, err := os.ReadFile(filepath.Join(scripts, "postinst")); err != nil || !bytes.Equal(got, p.Scripts.Postinst) {
				t.Errorf("postinst is %q, %v", got, err)
			}
		})
	}
}

func TestDebsigVerifyAccepts(t *testing.T) {
	t.Parallel()
	key, err := openpgp.Generate(t.Context(), openpgp.GenerateOptions{Name: "Release Team", Created: writtenAt})
	if err != nil {
		t.Fatal(err)
	}
	archive := write(t, node(t), deb.Options{Sign: key.Detached})
	if again := write(t, node(t), deb.Options{Sign: key.Detached}); !bytes.Equal(again, archive) {
		t.Error("signing again gave other bytes")
	}
	keyring, err := openpgp.MarshalKeyring(openpgp.BinaryKeyring, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	id := key.Fingerprint()[24:]
	dir := t.TempDir()
	policies, keyrings := filepath.Join(dir, "policies"), filepath.Join(dir, "keyrings")
	policy := fmt.Sprintf(`<?xml version="1.0"?>
<!DOCTYPE Policy SYSTEM "https://www.debian.org/debsig/1.0/policy.dtd">
<Policy xmlns="https://www.debian.org/debsig/1.0/">
  <Origin Name="Test" id="%[1]s" Description="Test"/>
  <Selection><Required Type="origin" File="test.gpg" id="%[1]s"/></Selection>
  <Verification MinOptional="0"><Required Type="origin" File="test.gpg" id="%[1]s"/></Verification>
</Policy>
`, id)
	if err := errors.Join(
		os.MkdirAll(filepath.Join(policies, id), 0o755), os.MkdirAll(filepath.Join(keyrings, id), 0o755),
		os.WriteFile(filepath.Join(policies, id, "test.pol"), []byte(policy), 0o644),
		os.WriteFile(filepath.Join(keyrings, id, "test.gpg"), keyring, 0o644),
	); err != nil {
		t.Fatal(err)
	}
	verify := func(archive []byte) (string, error) {
		return run(t, "debsig-verify", "--policies-dir", policies, "--keyrings-dir", keyrings, saved(t, archive))
	}
	if out, err := verify(archive); err != nil || !strings.Contains(out, "Verified package") {
		t.Errorf("debsig-verify: %v\n%s", err, out)
	}
	_, members := archived(t, archive)
	changed := bytes.Clone(archive)
	changed[bytes.Index(archive, members["control.tar.gz"])+20] ^= 1
	if out, err := verify(changed); err == nil {
		t.Errorf("debsig-verify accepts a changed package\n%s", out)
	}
}
