package bucket

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kubedist/pkg/apt"
	"kubedist/pkg/atomicfile"
)

// TestPushDirectory pushes to a directory, which then is the archive: contents, modes and times.
func TestPushDirectory(t *testing.T) {
	t.Parallel()
	a, to := newArchive(t), filepath.Join(t.TempDir(), "served", "apt")
	push := func() *Result {
		t.Helper()
		b, err := Open(t.Context(), "file://"+to)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		r, err := b.Push(t.Context(), a.options())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for range 4 {
		push()
		for _, f := range a.options().Files {
			theirs, err := os.Stat(filepath.Join(to, f.Path))
			if err != nil {
				t.Fatal(err)
			}
			// An archive dates contents anew once they are old; what is under by-hash here stays as it was written.
			dated := apt.StageOf(f.Path) == apt.StageByHash || theirs.ModTime().Equal(f.ModTime)
			if theirs.Mode() != 0o644 || !dated || theirs.Size() != f.Size {
				t.Errorf("%s: %s, %s", f.Path, theirs.Mode(), theirs.ModTime())
			}
		}
		for _, f := range verifyDir(a, to) {
			t.Errorf("clients see: %s: %s", f.Path, f.Problem)
		}
		if r := push(); written(r) != 0 {
			t.Errorf("the second push wrote %+v", r.Stages)
		}
		a.publish(newDeb(t, "kubelet", "1.36.1-"+a.now.Format("15")))
	}
	if err := os.Remove(filepath.Join(to, filepath.FromSlash(recordKey))); err != nil {
		t.Fatal(err)
	}
	if r := push(); written(r) == 0 || r.Unchanged == 0 {
		t.Errorf("without the record: %+v", r)
	}
}

// TestDirectoryLeftovers removes what a killed pusher has left.
func TestDirectoryLeftovers(t *testing.T) {
	t.Parallel()
	a, to := newArchive(t), t.TempDir()
	left := filepath.Join(to, "pool", atomicfile.Prefix+"123")
	if err := errors.Join(os.MkdirAll(filepath.Dir(left), 0o755), os.WriteFile(left, []byte("half"), 0o600)); err != nil {
		t.Fatal(err)
	}
	a.push(newDirectory(to))
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

// TestPutChecks writes nothing when a file is not what it was when it was listed.
func TestPutChecks(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte("right"))
	good := putOptions{key: "pool/x.deb", size: 5, sha256: hex.EncodeToString(sum[:])}
	for name, c := range map[string]struct{ body, want string }{
		"other":   {"wrong", "SHA-256 is"},
		"shorter": {"righ", "1 bytes shorter"},
		"empty":   {"", "5 bytes shorter"},
		"longer":  {"right!", "longer"},
	} {
		d := newDirectory(t.TempDir())
		if _, err := d.put(t.Context(), strings.NewReader(c.body), good); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := d.stat(t.Context(), good.key); !errors.Is(err, errNotFound) {
			t.Errorf("%s: something was written: %v", name, err)
		}
	}
	d := newDirectory(t.TempDir())
	if _, err := d.put(t.Context(), strings.NewReader("right"), good); err != nil {
		t.Error(err)
	}
	if _, err := d.put(t.Context(), strings.NewReader("right"), good); !errors.Is(err, errChanged) {
		t.Errorf("wrote over what was not seen: %v", err)
	}
	good.key = "../outside"
	if _, err := d.put(t.Context(), strings.NewReader("right"), good); err == nil {
		t.Error("wrote outside")
	}
}
