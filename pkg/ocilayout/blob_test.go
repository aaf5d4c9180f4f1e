package ocilayout_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/ocilayout"
)

// Whatever is wrong with a blob is found, and the blob named. A FIFO would block whoever opens it.
func TestDamagedBlobs(t *testing.T) {
	t.Parallel()
	for how, damage := range map[string]struct {
		do func(path string, data []byte) error
		is error
	}{
		"changed": {func(path string, data []byte) error {
			return os.WriteFile(path, append(bytes.Clone(data[:len(data)-1]), data[len(data)-1]^1), 0o644)
		}, ocilayout.ErrDamaged},
		"cut":     {func(path string, data []byte) error { return os.WriteFile(path, data[:len(data)-1], 0o644) }, ocilayout.ErrDamaged},
		"longer":  {func(path string, data []byte) error { return os.WriteFile(path, append(data, ' '), 0o644) }, ocilayout.ErrDamaged},
		"missing": {func(path string, _ []byte) error { return os.Remove(path) }, fs.ErrNotExist},
		"a link": {func(path string, data []byte) error {
			return errors.Join(os.Rename(path, path+"x"), os.Symlink(filepath.Base(path)+"x", path))
		}, ocilayout.ErrDamaged},
		"a directory": {func(path string, _ []byte) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o755)) }, ocilayout.ErrDamaged},
		"a FIFO":      {func(path string, _ []byte) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o644)) }, ocilayout.ErrDamaged},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			dir, digests := whole(t)
			for _, digest := range digests {
				path := filepath.Join(dir, filepath.FromSlash(ocilayout.File(digest)))
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := damage.do(path, data); err != nil {
					t.Fatal(err)
				}
				err = read(dir)
				var blob *ocilayout.BlobError
				if !errors.As(err, &blob) || blob.Digest != digest || !errors.Is(err, damage.is) {
					t.Errorf("%s: got %v", digest, err)
				}
				if _, _, err := ocilayout.Layout(dir).Lookup(digest); err == nil {
					t.Error("found all the same")
				}
				if err := errors.Join(os.RemoveAll(path), os.WriteFile(path, data, 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			if err := read(dir); err != nil {
				t.Error(err)
			}
		})
	}
}

// Who asks for as many bytes as were promised gets none of wrong content.
func TestVerified(t *testing.T) {
	t.Parallel()
	digest, _, err := v1.SHA256(strings.NewReader("content"))
	if err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]string{
		"content": "", "contenT": "content has the digest", "conten": "6 bytes, not 7", "content ": "longer than 7 bytes",
	} {
		for _, size := range []int{1, 3, 7, 100} {
			r := ocilayout.Verified(io.NopCloser(strings.NewReader(content)), v1.Descriptor{Digest: digest, Size: 7})
			var got bytes.Buffer
			_, err := io.CopyBuffer(struct{ io.Writer }{&got}, struct{ io.Reader }{r}, make([]byte, size))
			if want == "" && (err != nil || got.String() != content) {
				t.Errorf("%d at once: got %q, %v", size, got.String(), err)
			}
			if want != "" && (!errors.Is(err, ocilayout.ErrDamaged) || !strings.Contains(err.Error(), want) || got.Len() == 7) {
				t.Errorf("%s, %d at once: got %q, %v", content, size, got.String(), err)
			}
			if n, again := r.Read(make([]byte, 1)); n != 0 || again == nil {
				t.Errorf("%s: reads on", content)
			}
		}
	}
}
