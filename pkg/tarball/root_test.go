package tarball_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kubedist/pkg/tarball"
)

// rootFS has what only an archive with Root may hold.
func rootFS() *tarball.Archive {
	a := tarball.Archive{Root: true}
	a.Add(
		tarball.File{Name: "tmp", Dir: true, Mode: 0o777 | fs.ModeSticky},
		tarball.File{Name: "home/app", Dir: true, Mode: 0o700, UID: 65532, GID: 100},
		tarball.File{Name: "usr/bin/su", Mode: 0o755 | fs.ModeSetuid, Source: tarball.Bytes("su")},
		tarball.File{Name: "usr/bin/wall", Mode: 0o755 | fs.ModeSetgid, Source: tarball.Bytes("wall")},
		tarball.File{Name: "etc/mtab", Link: "/proc/self/mounts"},
		tarball.File{Name: "go-runner", Mode: 0o755, Source: tarball.Bytes("x"), Xattrs: map[string]string{
			"user.b": "\x00=\n", "user.a": "1", "security.capability": "\x01\x00\x00\x02\x00\x04",
		}},
	)
	return &a
}

func TestRoot(t *testing.T) {
	t.Parallel()
	data := pack(t, rootFS(), tarball.Options{})
	golden(t, "root.txt", listing(t, data))
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	// The records of the one entry that has any, in order of their names.
	at := func(name string) int { return bytes.Index(raw, []byte("SCHILY.xattr."+name+"=")) }
	if at("security.capability") < 0 || at("security.capability") > at("user.a") || at("user.a") > at("user.b") {
		t.Errorf("records at %d, %d, %d", at("security.capability"), at("user.a"), at("user.b"))
	}
	tr := tar.NewReader(bytes.NewReader(raw))
	for {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if header.Name == "go-runner" {
			want = 3
			if got := header.PAXRecords["SCHILY.xattr.user.b"]; got != "\x00=\n" {
				t.Errorf("user.b is %q", got)
			}
		}
		if len(header.PAXRecords) != want {
			t.Errorf("%s has records %v", header.Name, header.PAXRecords)
		}
	}
}

func TestRootRefuses(t *testing.T) {
	t.Parallel()
	for want, file := range map[string]tarball.File{
		`"a" has mode D`:                         {Name: "a", Dir: true, Mode: fs.ModeDevice | 0o644},
		`"a" links to "../b", outside`:           {Name: "a", Link: "../b"},
		`"a" links to "/b/../c", outside`:        {Name: "a", Link: "/b/../c"},
		`"a" belongs to 1:0`:                     {Name: "a", Link: "b", UID: 1},
		`"b" belongs to 0:-1`:                    {Name: "b", Dir: true, GID: -1},
		`"a" has extended attributes`:            {Name: "a", Link: "b", Xattrs: map[string]string{"user.a": ""}},
		`an extended attribute of the name "a="`: {Name: "a", Dir: true, Xattrs: map[string]string{"a=": ""}},
		`an extended attribute of the name ""`:   {Name: "a", Dir: true, Xattrs: map[string]string{"": ""}},
	} {
		a := tarball.Archive{Root: true, Files: []tarball.File{file}}
		if err := a.Check(); !errors.Is(err, tarball.ErrArchive) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// What Uncompressed gets is what WriteTar writes and what is inside the gzip stream.
func TestUncompressed(t *testing.T) {
	t.Parallel()
	var tee, plain bytes.Buffer
	a := sample()
	a.Add(tarball.File{Name: "big", Source: tarball.Bytes(binary(3 << 20))})
	data := pack(t, a, tarball.Options{Uncompressed: &tee})
	if err := a.WriteTar(t.Context(), &plain, tarball.Options{Time: stamp}); err != nil {
		t.Fatal(err)
	}
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	inside, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(tee.Bytes(), inside) || !bytes.Equal(plain.Bytes(), inside) {
		t.Errorf("%d bytes inside, %d beside, %d without compression", len(inside), tee.Len(), plain.Len())
	}
	boom := errors.New("boom")
	w := writerFunc(func([]byte) (int, error) { return 0, boom })
	if err := a.WriteGzip(t.Context(), io.Discard, tarball.Options{Time: stamp, Uncompressed: w}); !errors.Is(err, boom) {
		t.Errorf("its error: %v", err)
	}
}

func TestDigested(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("content"))
	right := tarball.Digested{Path: path, Size: 7, SHA256: hex.EncodeToString(sum[:])}
	write := func(d tarball.Digested) error {
		a := tarball.Archive{Files: []tarball.File{{Name: "blob", Source: d}}}
		return a.WriteTar(t.Context(), io.Discard, tarball.Options{Time: stamp})
	}
	if err := write(right); err != nil {
		t.Error(err)
	}
	size, digest := right, right
	size.Size++
	digest.SHA256 = strings.Repeat("0", 64)
	for _, wrong := range []tarball.Digested{size, digest} {
		if err := write(wrong); !errors.Is(err, tarball.ErrDigest) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v: error %v", wrong, err)
		}
	}
}
