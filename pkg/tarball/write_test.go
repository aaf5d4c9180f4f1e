package tarball_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kubedist/pkg/tarball"
)

// sample has one of everything that an archive can hold.
func sample() *tarball.Archive {
	var a tarball.Archive
	a.Add(
		tarball.File{Name: "kubernetes/node/bin/kubelet", Mode: 0o755, Source: tarball.Bytes("ELF")},
		tarball.File{Name: "kubernetes/version", Source: tarball.Bytes("v1.36.3")},
		tarball.File{Name: "kubernetes/empty", Source: tarball.Bytes{}},
		tarball.File{Name: "kubernetes/LICENSES", Dir: true, Mode: 0o700},
		tarball.File{Name: "kubernetes/current", Link: "node/bin/kubelet", Mode: 0o600},
		tarball.File{Name: "kubernetes/dated", Source: tarball.Bytes("x"), Time: time.Date(2001, 2, 3, 4, 5, 6, 7, time.FixedZone("", 7200))},
		tarball.File{Name: "kubernetes/" + strings.Repeat("long", 30) + "/" + strings.Repeat("name", 30), Source: tarball.Bytes("x")},
		tarball.File{Name: "kubernetes/naïve", Source: tarball.Bytes("x")},
		tarball.File{Name: "kubernetes/src.tar.gz", Source: tarball.Nested{
			Archive: archiveOf("main.go"), Options: tarball.Options{Time: stamp},
		}},
	)
	return &a
}

func TestWriteGzip(t *testing.T) {
	t.Parallel()
	data := pack(t, sample(), tarball.Options{})
	golden(t, "sample.txt", listing(t, data))
	// RFC 1952: magic, deflate, no flags, no time, no extra flags, unknown operating system.
	if want := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}; !bytes.HasPrefix(data, want) {
		t.Errorf("gzip header % x, want % x", data[:10], want)
	}
}

// The system's tar reads what was written, and sees the same names, modes and owners.
func TestSystemTar(t *testing.T) {
	t.Parallel()
	tar, err := exec.LookPath("tar")
	if err != nil {
		t.Skip("tar is not installed")
	}
	path := filepath.Join(t.TempDir(), "sample.tar.gz")
	if err := os.WriteFile(path, pack(t, sample(), tarball.Options{}), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), tar, "-xzpf", path, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	for name, want := range map[string]string{
		"node/bin/kubelet": "-rwxr-xr-x",
		"node":             "drwxr-xr-x",
		"version":          "-rw-r--r--",
		"LICENSES":         "drwx------",
		"current":          "Lrwxrwxrwx",
		"naïve":            "-rw-r--r--",
		strings.Repeat("long", 30) + "/" + strings.Repeat("name", 30): "-rw-r--r--",
		"src.tar.gz": "-rw-r--r--",
	} {
		info, err := os.Lstat(filepath.Join(dir, "kubernetes", name))
		if err != nil {
			t.Error(err)
			continue
		}
		if info.Mode()&fs.ModeSymlink == 0 && info.Mode().String() != want {
			t.Errorf("%s unpacked as %v, want %s", name, info.Mode(), want)
		}
		if info.Mode()&fs.ModeSymlink == 0 && name != "dated" && !info.ModTime().Equal(stamp.Truncate(time.Second)) {
			t.Errorf("%s unpacked with time %v", name, info.ModTime())
		}
	}
}

// binary returns bytes that compress like machine code: runs, repeats and noise, the same each time.
func binary(size int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	out := make([]byte, 0, size+64)
	for len(out) < size {
		switch from := len(out) - 1 - random.IntN(40_000); {
		case from > 0 && random.IntN(3) > 0:
			out = append(out, out[from:min(from+4+random.IntN(60), len(out))]...)
		default:
			for range 8 {
				out = append(out, byte(random.IntN(64)))
			}
		}
	}
	return out[:size]
}

// The same bytes whatever the order of the files, the number of jobs and of cores, and wherever the content lies.
func TestSameBytes(t *testing.T) {
	content := binary(2<<20 + 17)
	path := filepath.Join(t.TempDir(), "content")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	build := func(reverse bool, source tarball.Source) *tarball.Archive {
		a := sample()
		a.Add(tarball.File{Name: "kubernetes/big", Source: source})
		if reverse {
			for i, j := 0, len(a.Files)-1; i < j; i, j = i+1, j-1 {
				a.Files[i], a.Files[j] = a.Files[j], a.Files[i]
			}
		}
		return a
	}
	want := sha256.Sum256(pack(t, build(false, tarball.Bytes(content)), tarball.Options{Jobs: 1}))
	cores := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(cores)
	for _, procs := range []int{1, 4} {
		runtime.GOMAXPROCS(procs)
		for _, jobs := range []int{0, 1, 3} {
			got := sha256.Sum256(pack(t, build(jobs%2 == 1, tarball.Path(path)), tarball.Options{Jobs: jobs}))
			if got != want {
				t.Errorf("GOMAXPROCS %d, jobs %d: other bytes", procs, jobs)
			}
		}
	}
}

// The archive itself is not changed by being written.
func TestWriteLeavesArchiveAlone(t *testing.T) {
	t.Parallel()
	a := archiveOf("z", "b/c", "a")
	before := fmt.Sprintf("%#v", a.Files)
	pack(t, a, tarball.Options{})
	if after := fmt.Sprintf("%#v", a.Files); after != before {
		t.Errorf("files were\n%s\nare\n%s", before, after)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	boom := errors.New("disk full")
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	tests := map[string]struct {
		source tarball.Source
		o      tarball.Options
		w      io.Writer
		want   string
	}{
		"no time":     {tarball.Bytes{}, tarball.Options{}, io.Discard, "Options.Time is not set"},
		"level":       {tarball.Bytes{}, tarball.Options{Time: stamp, Level: 10}, io.Discard, "invalid compression level"},
		"missing":     {tarball.Path(missing), tarball.Options{Time: stamp}, io.Discard, "tarball entry bin/x: open " + missing},
		"a directory": {tarball.Path(dir), tarball.Options{Time: stamp}, io.Discard, dir + " is not a regular file"},
		"nested": {tarball.Nested{Archive: archiveOf("/")}, tarball.Options{Time: stamp}, io.Discard,
			`tarball entry bin/x: nested archive: "/" is not a plain relative name`},
		"writer": {tarball.Bytes(binary(4 << 20)), tarball.Options{Time: stamp, Jobs: 2},
			writerFunc(func([]byte) (int, error) { return 0, boom }), "disk full"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := tarball.Archive{Files: []tarball.File{{Name: "bin/x", Source: test.source}}}
			err := a.WriteGzip(t.Context(), test.w, test.o)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

// Cancelled in the middle, the write ends with the context's error and leaves no goroutine behind: synctest fails a
// bubble in which one stays blocked.
func TestCancel(t *testing.T) {
	t.Parallel()
	content := tarball.Bytes(binary(2 << 20))
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		written := 0
		w := writerFunc(func(p []byte) (int, error) {
			if written += len(p); written > 100<<10 {
				cancel()
			}
			return len(p), nil
		})
		a := tarball.Archive{Files: []tarball.File{{Name: "a", Source: content}, {Name: "b", Source: content}, {Name: "c", Source: content}}}
		if err := a.WriteGzip(ctx, w, tarball.Options{Time: stamp, Jobs: 2}); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		boom := errors.New("disk full")
		a := tarball.Archive{Files: []tarball.File{{Name: "a", Source: content}}}
		w := writerFunc(func([]byte) (int, error) { return 0, boom })
		if err := a.WriteGzip(t.Context(), w, tarball.Options{Time: stamp, Jobs: 2}); !errors.Is(err, boom) {
			t.Errorf("error %v", err)
		}
	})
}

// BenchmarkWriteGzip compresses the Go compiler and the other tools of the running toolchain, as binaries like those
// of a release.
func BenchmarkWriteGzip(b *testing.B) {
	out, err := exec.Command("go", "env", "GOTOOLDIR").Output()
	if err != nil {
		b.Fatal(err)
	}
	var a tarball.Archive
	if err := a.AddTree(b.Context(), strings.TrimSpace(string(out)), nil); err != nil {
		b.Fatal(err)
	}
	var size int64
	for _, f := range a.Files {
		info, err := os.Stat(string(f.Source.(tarball.Path)))
		if err != nil {
			b.Fatal(err)
		}
		size += info.Size()
	}
	for _, level := range []int{1, 5, 6, 7, 9} {
		for _, jobs := range []int{1, runtime.GOMAXPROCS(0)} {
			b.Run(fmt.Sprintf("level=%d/jobs=%d", level, jobs), func(b *testing.B) {
				b.SetBytes(size)
				for b.Loop() {
					var written int
					w := writerFunc(func(p []byte) (int, error) { written += len(p); return len(p), nil })
					if err := a.WriteGzip(b.Context(), w, tarball.Options{Time: stamp, Level: level, Jobs: jobs}); err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(float64(written)/1e6, "MB")
				}
			})
		}
	}
}
