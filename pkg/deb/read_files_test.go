package deb_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kubedist/pkg/deb"
)

func readFiles(t testing.TB, file []byte, limits deb.Limits) ([]string, error) {
	t.Helper()
	p, err := deb.ReadFiles(t.Context(), bytes.NewReader(file), limits)
	if err != nil {
		return nil, err
	}
	return p.Files, nil
}

func TestReadFiles(t *testing.T) {
	t.Parallel()
	plain := tarFile(t, entry{"./", "", tar.TypeDir}, entry{"./usr/bin/", "", tar.TypeDir}, entry{"./usr/bin/b", elfText(2, 1, 2, 62), tar.TypeReg},
		entry{"usr/bin/a", "x", tar.TypeReg}, entry{"/etc/with space", "x", tar.TypeReg}, entry{"./etc/link", "../usr/bin/a", tar.TypeSymlink},
		entry{"./../../var/x", "x", tar.TypeReg}, entry{"./usr/bin/a", "x", tar.TypeReg})
	want := []string{"etc/link", "etc/with space", "usr/bin/a", "usr/bin/b", "var/x"}
	for _, kind := range []string{"", "gz", "xz", "zst"} {
		got, err := readFiles(t, dataDeb(t, "amd64", kind, plain), deb.Limits{})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, %v", kind, got, err)
		}
	}
	// An empty package has a list, and one that was not asked for it has none.
	if got, err := readFiles(t, dataDeb(t, "amd64", "gz", tarFile(t)), deb.Limits{}); err != nil || got == nil || len(got) > 0 {
		t.Errorf("got %q, %v", got, err)
	}
	if p, err := deb.Read(t.Context(), bytes.NewReader(dataDeb(t, "amd64", "gz", plain)), deb.Limits{}); err != nil || p.Files != nil {
		t.Errorf("got %+v, %v", p, err)
	}
}

// TestReadFilesOfTools reads what others pack, in every compression of deb(5).
func TestReadFilesOfTools(t *testing.T) {
	t.Parallel()
	plain := tarFile(t, entry{"./usr/bin/b", string(noise(300_000)), tar.TypeReg}, entry{"./usr/share/x", strings.Repeat("text ", 200_000), tar.TypeReg})
	for kind, args := range map[string][]string{
		"gz": {"gzip", "-9"}, "bz2": {"bzip2"}, "zst": {"zstd", "-q", "--ultra", "-22"}, "lzma": {"xz", "--format=lzma"},
		"xz": {"xz", "--block-size=65536", "--check=sha256"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(args[0]); err != nil {
				t.Skipf("%s is not installed", args[0])
			}
			cmd := exec.CommandContext(t.Context(), args[0], append(args[1:], "-c")...)
			cmd.Stdin = bytes.NewReader(plain)
			packed, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			file := arFile(format, member{"control.tar", controlTar(t, control), -1}, member{"data.tar." + kind, packed, -1})
			limits := deb.Limits{Dictionary: 256 << 20}
			if got, err := readFiles(t, file, limits); err != nil || !slices.Equal(got, []string{"usr/bin/b", "usr/share/x"}) {
				t.Fatalf("got %q, %v", got, err)
			}
			if kind == "gz" || kind == "bz2" {
				return
			}
			limits.Dictionary = 64 << 10
			if _, err := readFiles(t, file, limits); err == nil {
				t.Error("a dictionary of any size is allowed")
			}
		})
	}
}

func TestReadFilesRefuses(t *testing.T) {
	t.Parallel()
	arm := tarFile(t, entry{"./usr/bin/big", string(noise(8 << 20)), tar.TypeReg}, entry{"./usr/bin/b", elfText(2, 1, 2, 183), tar.TypeReg})
	cut := compress(t, "xz", tarFile(t, entry{"./usr/bin/b", string(noise(100_000)), tar.TypeReg}))
	flipped := bytes.Clone(cut)
	flipped[len(flipped)/2] ^= 1
	dataXZ := func(packed []byte) []byte {
		return arFile(format, member{"control.tar", controlTar(t, control), -1}, member{"data.tar.xz", packed, -1})
	}
	many := tarFile(t, entry{"./a", "", tar.TypeReg}, entry{"./b", "", tar.TypeReg}, entry{"./c", "", tar.TypeReg})
	for _, c := range []struct {
		name   string
		file   []byte
		limits deb.Limits
		want   string
	}{
		{"a program deep inside", dataDeb(t, "amd64", "", arm), deb.Limits{}, "usr/bin/b is for EM_AARCH64"},
		{"a stream cut short", dataXZ(cut[:len(cut)/2]), deb.Limits{}, "member data.tar.xz"},
		{"a flipped byte", dataXZ(flipped), deb.Limits{}, "member data.tar.xz"},
		{"no xz at all", dataXZ([]byte("odd")), deb.Limits{}, "xz: "},
		{"an empty member", dataXZ(nil), deb.Limits{}, "xz: "},
		{"a bomb", dataDeb(t, "amd64", "gz", make([]byte, 4<<20)), deb.Limits{Data: 1 << 20}, "more than the 1048576 bytes allowed"},
		{"many files", dataDeb(t, "amd64", "gz", many), deb.Limits{Files: 2}, "more than 2 entries"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got, err := readFiles(t, c.file, c.limits); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, %v; want %q in the error", got, err, c.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := deb.ReadFiles(ctx, bytes.NewReader(dataDeb(t, "amd64", "gz", many)), deb.Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// TestReadFilesLikeDpkg compares with what dpkg-deb lists.
func TestReadFilesLikeDpkg(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "p")
	for name, text := range map[string]string{"DEBIAN/control": control, "usr/bin/tool": "x", "etc/a b": "x", "usr/share/" + strings.Repeat("long/", 30) + "ü": "x"} {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink("tool", filepath.Join(root, "usr/bin/link")), os.Link(filepath.Join(root, "usr/bin/tool"), filepath.Join(root, "usr/bin/hard"))); err != nil {
		t.Fatal(err)
	}
	file := root + ".deb"
	if out, err := run(t, "dpkg-deb", "--build", root, file); err != nil {
		t.Fatalf("dpkg-deb: %v: %s", err, out)
	}
	var want []string
	list := exec.CommandContext(t.Context(), "sh", "-c", `dpkg-deb --fsys-tarfile "$1" | tar --list --quoting-style=literal`, "sh", file)
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if name := strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "./"); !strings.HasSuffix(name, "/") && name != "" {
			want = append(want, name)
		}
	}
	slices.Sort(want)
	packed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readFiles(t, packed, deb.Limits{}); err != nil || len(got) != 5 || !slices.Equal(got, want) {
		t.Errorf("got %q, %v\nwant %q", got, err, want)
	}
}

func FuzzReadFiles(f *testing.F) {
	for _, kind := range []string{"", "gz", "xz", "zst"} {
		f.Add(dataDeb(f, "amd64", kind, tarFile(f, entry{"./usr/bin/b", elfText(2, 1, 2, 62), tar.TypeReg}, entry{"./x", "y", tar.TypeSymlink})))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := deb.ReadFiles(context.Background(), bytes.NewReader(file), deb.Limits{Unpacked: 1 << 20, Packed: 1 << 20, Dictionary: 8 << 20, Data: 4 << 20})
		if err != nil {
			return
		}
		if !slices.IsSorted(p.Files) || slices.ContainsFunc(p.Files, func(name string) bool {
			return strings.HasPrefix(name, "/") || strings.HasPrefix(name, "..") && !filepath.IsLocal(name)
		}) {
			t.Errorf("got %q", p.Files)
		}
	})
}
