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
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
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

// prose is text that compresses about as well as a program does.
func prose(random *rand.Rand, size int) []byte {
	words := make([][]byte, 4096)
	for i := range words {
		words[i] = make([]byte, 2+random.IntN(12))
		for j := range words[i] {
			words[i][j] = byte(random.IntN(256))
		}
	}
	text := make([]byte, 0, size+16)
	for len(text) < size {
		text = append(text, words[random.IntN(len(words))]...)
	}
	return text[:size]
}

// TestWriteGivesTheSameBytes varies what must not matter. zstd alone compresses with several goroutines, and gets
// several blocks (of 128 KiB) to do it with.
func TestWriteGivesTheSameBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for method, size := range map[string]int{
		"zstd": 500 << 10, "zstd:1": 500 << 10, "zstd:3": 500 << 10, "zstd:19": 300 << 10,
		"gzip": 50 << 10, "gzip:1": 50 << 10, "xz": 50 << 10, "none": 50 << 10,
	} {
		t.Run(method, func(t *testing.T) {
			p := node(t)
			program := filepath.Join(t.TempDir(), "program")
			if err := os.WriteFile(program, prose(random, size), 0o644); err != nil {
				t.Fatal(err)
			}
			p.Files = append(p.Files, deb.File{Path: "/usr/bin/large", Mode: 0o755, Source: program})
			o := deb.Options{Compression: compression(t, method)}
			want := write(t, p, o)
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
			for _, processors := range []int{1, 5} {
				runtime.GOMAXPROCS(processors)
				q := p
				q.Files = slices.Clone(p.Files)
				random.Shuffle(len(q.Files), func(i, j int) { q.Files[i], q.Files[j] = q.Files[j], q.Files[i] })
				if err := errors.Join(os.Chmod(program, 0o700|fs.FileMode(processors)), os.Chtimes(program, time.Now(), time.Now())); err != nil {
					t.Fatal(err)
				}
				t.Setenv("TMPDIR", t.TempDir())
				t.Setenv("SOURCE_DATE_EPOCH", fmt.Sprint(processors))
				if got := write(t, q, o); !bytes.Equal(got, want) {
					t.Errorf("other bytes with %d processors", processors)
				}
			}
		})
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

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, test := range []struct {
		name   string
		change func(*deb.Package)
		want   string
	}{
		{"name", func(p *deb.Package) { p.Name = "Kubelet" }, `package name "Kubelet"`},
		{"version", func(p *deb.Package) { p.Version = "v1.36.3" }, `version "v1.36.3"`},
		{"architecture", func(p *deb.Package) { p.Architecture = "any" }, `architecture "any"`},
		{"no maintainer", func(p *deb.Package) { p.Maintainer = "" }, `maintainer ""`},
		{"maintainer without a name", func(p *deb.Package) { p.Maintainer = "a@example.org" }, `maintainer "a@example.org"`},
		{"section", func(p *deb.Package) { p.Section = "" }, `section "": must be one line`},
		{"injected field", func(p *deb.Package) { p.Summary = "x\nEssential: yes" }, "summary"},
		{"homepage", func(p *deb.Package) { p.Homepage = "https://example.org\nX: y" }, "homepage"},
		{"description", func(p *deb.Package) { p.Description = "a\rb" }, "description"},
		{"no time", func(p *deb.Package) { p.Time = time.Time{} }, "time"},
		{"relation's name", func(p *deb.Package) { p.Depends = []string{"mount, util-linux"} }, `depends "mount, util-linux"`},
		{"relation's operator", func(p *deb.Package) { p.Depends = []string{"mount (> 1)"} }, `operator ">"`},
		{"relation's version", func(p *deb.Package) { p.Provides = []string{"mount (= v1)"} }, `version "v1"`},
		{"relation's form", func(p *deb.Package) { p.Conflicts = []string{"mount >= 1"} }, "(OPERATOR VERSION)"},
		{"relative path", func(p *deb.Package) { p.Files[0].Path = "usr/bin/kubelet" }, "clean absolute path"},
		{"path that leaves", func(p *deb.Package) { p.Files[0].Path = "/usr/../../x" }, "clean absolute path"},
		{"path with a newline", func(p *deb.Package) { p.Files[0].Path = "/etc/x\n/etc/passwd" }, "clean absolute path"},
		{"path twice", func(p *deb.Package) { p.Files[1].Path = p.Files[0].Path }, "declared twice"},
		{"file as directory", func(p *deb.Package) { p.Files[1].Path = "/usr/bin/kubelet/x" }, "/usr/bin/kubelet is a file"},
		{"mode", func(p *deb.Package) { p.Files[0].Mode |= fs.ModeSetuid }, "more than permissions"},
		{"two contents", func(p *deb.Package) { p.Files[0].Data = []byte("x") }, "both Source and Data"},
		{"conffile directory", func(p *deb.Package) { p.Files[1].Config = true }, "a directory has no contents"},
		{"missing file", func(p *deb.Package) { p.Files[0].Source = filepath.Join(dir, "none") }, "/usr/bin/kubelet: lstat"},
		{"directory as file", func(p *deb.Package) { p.Files[0].Source = dir }, "not a regular file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := node(t)
			test.change(&p)
			var out bytes.Buffer
			err := deb.Write(t.Context(), &out, p, deb.Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "package "+p.Name+": ") {
				t.Errorf("error is %v, want one of the package with %q", err, test.want)
			}
			if out.Len() > 0 {
				t.Errorf("%d bytes were written", out.Len())
			}
		})
	}
}

func TestWriteSignatureFails(t *testing.T) {
	t.Parallel()
	refused := errors.New("key is expired")
	err := deb.Write(t.Context(), io.Discard, node(t), deb.Options{Sign: func(context.Context, io.Reader, time.Time) ([]byte, error) { return nil, refused }})
	if !errors.Is(err, refused) || err.Error() != "package kubelet: signature: key is expired" {
		t.Errorf("error is %v", err)
	}
}

// full takes n bytes and then has no space left.
type full struct{ n int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	n := min(f.n, len(p))
	f.n -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

func TestWriteReportsAFullDisk(t *testing.T) {
	p := node(t)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	o := deb.Options{Sign: func(context.Context, io.Reader, time.Time) ([]byte, error) { return []byte("odd"), nil }}
	archive := write(t, p, o)
	// Around every seam between headers, members and padding, which are written one by one.
	seams, offset := []int{0, 8}, 8
	names, members := archived(t, archive)
	for _, name := range names {
		size := len(members[name])
		seams = append(seams, offset+60, offset+60+size, offset+60+size+size%2)
		offset += 60 + size + size%2
	}
	for _, seam := range seams {
		n := max(seam-1, 0)
		if err := deb.Write(t.Context(), &full{n}, p, o); !errors.Is(err, errFull) {
			t.Errorf("error is %v with space for %d of %d bytes", err, n, len(archive))
		}
	}
	empty(t, temporary)
}

func empty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("%s was left behind", e.Name())
	}
}

// recorder ends its context with the first write, and counts what comes.
type recorder struct {
	cancel context.CancelFunc
	writes int
}

func (r *recorder) Write(p []byte) (int, error) {
	r.writes++
	r.cancel()
	return len(p), nil
}

func TestWriteStopsWithItsContext(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)

	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := &recorder{cancel: cancel}
		cancel()
		if err := deb.Write(ctx, w, node(t), deb.Options{}); !errors.Is(err, context.Canceled) || w.writes > 0 {
			t.Errorf("error is %v after %d writes", err, w.writes)
		}
	})
	t.Run("while compressing", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		p := node(t)
		noise := make([]byte, 4<<20)
		random := rand.NewChaCha8([32]byte{})
		random.Read(noise)
		p.Files = append(p.Files, deb.File{Path: "/usr/bin/noise", Data: noise})
		w := &recorder{cancel: cancel}
		if err := deb.Write(ctx, w, p, deb.Options{Compression: compression(t, "xz")}); !errors.Is(err, context.DeadlineExceeded) || w.writes > 0 {
			t.Errorf("error is %v after %d writes", err, w.writes)
		}
	})
	t.Run("while writing", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := &recorder{cancel: cancel}
		if err := deb.Write(ctx, w, node(t), deb.Options{}); !errors.Is(err, context.Canceled) || w.writes != 1 {
			t.Errorf("error is %v after %d writes", err, w.writes)
		}
	})
	t.Run("while signing", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		err := deb.Write(ctx, io.Discard, node(t), deb.Options{Sign: func(ctx context.Context, _ io.Reader, _ time.Time) ([]byte, error) {
			cancel()
			return nil, ctx.Err()
		}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
	})
	empty(t, temporary)
}

func TestParseCompression(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, out, err string }{
		{in: "zstd", out: "zstd"},
		{in: "zstd:1", out: "zstd:1"},
		{in: "zstd:22", out: "zstd:22"},
		{in: "gzip", out: "gzip"},
		{in: "gzip:9", out: "gzip:9"},
		{in: "xz", out: "xz"},
		{in: "none", out: "none"},
		{in: "", err: `unknown algorithm ""`},
		{in: "bzip2", err: `unknown algorithm "bzip2"`},
		{in: "ZSTD", err: "unknown algorithm"},
		{in: "zstd:", err: `level ""`},
		{in: "zstd:0", err: "from 1 to 22"},
		{in: "zstd:23", err: "from 1 to 22"},
		{in: "zstd:best", err: `level "best"`},
		{in: "zstd:1:2", err: `level "1:2"`},
		{in: "gzip:+6", err: `level "+6"`},
		{in: "gzip:06", err: `level "06"`},
		{in: "gzip:10", err: "from 1 to 9"},
		{in: "xz:9", err: "xz has no levels"},
		{in: "none:1", err: "none has no levels"},
	} {
		var c deb.Compression
		err := c.UnmarshalText([]byte(test.in))
		if test.err == "" && (err != nil || c.String() != test.out) || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%q gives %s, %v", test.in, c, err)
		}
	}
	if got := (deb.Compression{}).String(); got != "zstd" {
		t.Errorf("zero value is %s", got)
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

// FuzzParseCompression: whatever is accepted is written as it was read, and packages can be written with it.
func FuzzParseCompression(f *testing.F) {
	for _, s := range []string{"zstd", "zstd:19", "gzip:6", "xz", "none", "xz:", "zstd:-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := deb.ParseCompression(s)
		if err != nil {
			return
		}
		if c.String() != s {
			t.Errorf("%q is written as %q", s, c)
		}
		p := deb.Package{
			Name: "kubectl", Version: "1-1", Architecture: "all", Maintainer: "A <a@example.org>",
			Section: "admin", Priority: "optional", Summary: "x", Time: writtenAt,
		}
		if err := deb.Write(t.Context(), io.Discard, p, deb.Options{Compression: c}); err != nil {
			t.Error(err)
		}
	})
}
