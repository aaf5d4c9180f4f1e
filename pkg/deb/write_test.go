package deb_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"kubedist/pkg/deb"
)

var update = flag.Bool("update", false, "write the golden files under testdata anew")

var writtenAt = time.Date(2026, 7, 14, 9, 30, 0, 0, time.UTC)

// node is a package with everything that a package can have. The program is on disk, with a mode and a time of its own.
func node(t testing.TB) deb.Package {
	t.Helper()
	program := filepath.Join(t.TempDir(), "kubelet [v1]{a,b}*")
	if err := os.WriteFile(program, []byte("\x7fELF program\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	return deb.Package{
		Name: "kubelet", Version: "1.37.0~rc.0-1.1", Architecture: "armhf",
		Maintainer: "Release Team <release@example.org>", Section: "net", Priority: "optional",
		Homepage: "https://example.org", Summary: "node agent",
		Description: "First paragraph,\ntwo lines.\n\nSecond paragraph.\n",
		Depends:     []string{"kubernetes-cni (>= 1.2.0)", "mount | util-linux:any (<< 3)"},
		Recommends:  []string{"iptables"}, Suggests: []string{"cri-tools"},
		Conflicts: []string{"kubernetes-node"}, Replaces: []string{"kubernetes-node"}, Provides: []string{"node-agent (= 1)"},
		Files: []deb.File{
			{Path: "/usr/bin/kubelet", Mode: 0o755, Source: program},
			{Path: "/var/lib/kubelet", Dir: true, Mode: 0o700},
			{Path: "/etc/kubernetes/manifests", Dir: true},
			{Path: "/etc/default/kubelet", Data: []byte("KUBELET_EXTRA_ARGS=\n"), Config: true},
			{Path: "/usr/share/doc/kubelet/copyright", Data: bytes.Repeat([]byte("x"), 1025)},
			{Path: "/usr/share/doc/kubelet/empty"},
		},
		Scripts: deb.Scripts{Postinst: []byte("#!/bin/sh\nexit 0\n"), Postrm: []byte("#!/bin/sh\n")},
		Time:    writtenAt,
	}
}

func write(t testing.TB, p deb.Package, o deb.Options) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := deb.Write(t.Context(), &out, p, o); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func compression(t testing.TB, s string) deb.Compression {
	t.Helper()
	c, err := deb.ParseCompression(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// archived are the members of an ar archive, in order.
func archived(t testing.TB, archive []byte) (names []string, members map[string][]byte) {
	t.Helper()
	members = map[string][]byte{}
	rest, ok := bytes.CutPrefix(archive, []byte("!<arch>\n"))
	for ok && len(rest) > 0 {
		var size int
		name := strings.TrimRight(string(rest[:16]), " ")
		if _, err := fmt.Sscanf(string(rest[48:58]), "%d", &size); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
		members[name] = rest[60 : 60+size]
		rest = rest[60+size+size%2:]
	}
	return names, members
}

// listing describes the tar archive in the one member whose name begins with stem, a line per entry and its contents for
// the names that show is true for.
func listing(t testing.TB, archive []byte, stem string, show func(string) bool) string {
	t.Helper()
	names, members := archived(t, archive)
	i := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(name, stem+".tar") })
	if i < 0 {
		t.Fatalf("no member %s.tar* among %q", stem, names)
	}
	packed := bytes.NewReader(members[names[i]])
	var unpacked io.Reader = packed
	var err error
	switch filepath.Ext(names[i]) {
	case ".gz":
		unpacked, err = gzip.NewReader(packed)
	case ".xz":
		unpacked, err = xz.NewReader(packed)
	case ".zst":
		unpacked, err = zstd.NewReader(packed)
	}
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for in := tar.NewReader(unpacked); ; {
		h, err := in.Next()
		if err == io.EOF {
			return out.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s %d:%d %s:%s %6d %s %s\n", h.FileInfo().Mode(), h.Uid, h.Gid, h.Uname, h.Gname, h.Size, h.ModTime.UTC().Format(time.RFC3339), h.Name)
		if show(h.Name) {
			if _, err := io.Copy(&out, in); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs, -update writes it anew; got:\n%s\nwant:\n%s", path, got, want)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"zstd", "gzip", "xz", "none"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			archive := write(t, node(t), deb.Options{Compression: compression(t, method)})
			names, members := archived(t, archive)
			extension := map[string]string{"zstd": ".zst", "gzip": ".gz", "xz": ".xz"}[method]
			if want := []string{"debian-binary", "control.tar.gz", "data.tar" + extension}; !slices.Equal(names, want) {
				t.Errorf("members %q, want %q", names, want)
			}
			if got := string(members["debian-binary"]); got != "2.0\n" {
				t.Errorf("debian-binary is %q", got)
			}
			golden(t, "write/control", listing(t, archive, "control", func(string) bool { return true }))
			golden(t, "write/data", listing(t, archive, "data", func(name string) bool { return name == "./usr/bin/kubelet" }))
		})
	}
}

func TestWriteIsReadBack(t *testing.T) {
	t.Parallel()
	p := node(t)
	archive := write(t, p, deb.Options{})
	info, err := deb.Read(t.Context(), bytes.NewReader(archive), deb.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if info.Package != p.Name || info.Version != p.Version || info.Architecture != p.Architecture {
		t.Errorf("read %s %s %s back", info.Package, info.Version, info.Architecture)
	}
}

func TestWriteFollowsLinks(t *testing.T) {
	t.Parallel()
	p := node(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(p.Files[0].Source, link); err != nil {
		t.Fatal(err)
	}
	want := write(t, p, deb.Options{})
	p.Files[0].Source = link
	if !bytes.Equal(write(t, p, deb.Options{}), want) {
		t.Error("the link was packaged, not the file")
	}
}

// TestWriteCountsWhatItInstalls computes Installed-Size from the data member: KiB rounded up per file, one for every
// other entry and the root directory (Policy 5.6.20, dpkg-gencontrol(1)).
func TestWriteCountsWhatItInstalls(t *testing.T) {
	t.Parallel()
	p := node(t)
	for i := range 20 {
		p.Files = append(p.Files, deb.File{Path: fmt.Sprintf("/usr/share/man/man1/kubelet-%02d.1.gz", i), Data: make([]byte, 100*i)})
	}
	archive := write(t, p, deb.Options{})
	want := int64(1)
	for line := range strings.Lines(listing(t, archive, "data", func(string) bool { return false })) {
		var size int64
		fields := strings.Fields(line)
		if _, err := fmt.Sscan(fields[3], &size); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(fields[0], "d") {
			size = 1024
		}
		want += (size + 1023) / 1024
	}
	text := listing(t, archive, "control", func(name string) bool { return name == "./control" })
	if !strings.Contains(text, fmt.Sprintf("\nInstalled-Size: %d\n", want)) {
		t.Errorf("Installed-Size is not %d in\n%s", want, text)
	}
}

func TestWriteListsDigests(t *testing.T) {
	t.Parallel()
	p := node(t)
	text := listing(t, write(t, p, deb.Options{}), "control", func(name string) bool { return name == "./md5sums" })
	if want := fmt.Sprintf("\n%x  usr/share/doc/kubelet/copyright\n", md5.Sum(p.Files[4].Data)); !strings.Contains(text, want) {
		t.Errorf("no line %q in\n%s", want, text)
	}
}

func TestWriteSigns(t *testing.T) {
	t.Parallel()
	var message []byte
	archive := write(t, node(t), deb.Options{Sign: func(_ context.Context, r io.Reader, at time.Time) (_ []byte, err error) {
		message, err = io.ReadAll(r)
		return []byte(at.Format(time.RFC3339)), err
	}})
	names, members := archived(t, archive)
	if want := []string{"debian-binary", "control.tar.gz", "data.tar.zst", "_gpgorigin"}; !slices.Equal(names, want) {
		t.Fatalf("members %q, want %q", names, want)
	}
	if want := slices.Concat(members[names[0]], members[names[1]], members[names[2]]); !bytes.Equal(message, want) {
		t.Errorf("signed %d bytes that are not the %d of the members", len(message), len(want))
	}
	if got := string(members["_gpgorigin"]); got != "2026-07-14T09:30:00Z" {
		t.Errorf("signature %q", got)
	}
}

func BenchmarkWrite(b *testing.B) {
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(program)
	if err != nil {
		b.Fatal(err)
	}
	p := node(b)
	p.Files[0].Source = program
	for _, method := range []string{"none", "zstd:1", "zstd", "zstd:19", "gzip:1", "gzip:6", "gzip", "xz"} {
		b.Run(method, func(b *testing.B) {
			b.SetBytes(info.Size())
			b.ReportAllocs()
			for b.Loop() {
				write(b, p, deb.Options{Compression: compression(b, method)})
			}
		})
	}
}

func ExampleWrite() {
	p := deb.Package{
		Name: "kubeadm", Version: deb.Version("v1.36.3", "1.1"), Architecture: "arm64",
		Maintainer: "Release Team <release@example.org>", Section: "admin", Priority: "optional",
		Summary: "tool to bootstrap clusters",
		Files:   []deb.File{{Path: "/usr/bin/kubeadm", Mode: 0o755, Data: []byte("#!/bin/sh\n")}},
		Time:    time.Date(2026, 7, 14, 9, 30, 0, 0, time.UTC),
	}
	var out bytes.Buffer
	if err := deb.Write(context.Background(), &out, p, deb.Options{}); err != nil {
		fmt.Println(err)
		return
	}
	info, err := deb.Read(context.Background(), &out, deb.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(deb.Name(info))
	// Output: kubeadm_1.36.3-1.1_arm64.deb
}
