package apt_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"kubedist/pkg/apt"
	"kubedist/pkg/deb/debtest"
)

// member is a member of an ar archive.
type member struct {
	name string
	data []byte
}

// arBytes puts members together without a check.
func arBytes(members ...member) []byte {
	out := []byte(debtest.Magic)
	for _, m := range members {
		out = append(out, debtest.Member(m.name, m.data)...)
	}
	return out
}

// tarOf makes a tar archive of entries whose sizes are those of their data.
func tarOf(t testing.TB, entries ...tar.Header) func(data ...string) []byte {
	return func(data ...string) []byte {
		t.Helper()
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for i := range entries {
			h := entries[i]
			h.Size, h.Mode = int64(len(data[i])), 0o644
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
			io.WriteString(w, data[i])
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
}

func controlTar(t testing.TB, control string) []byte {
	t.Helper()
	return tarOf(t, tar.Header{Name: "./control"})(control)
}

// debWith is a package with that control member.
func debWith(name string, controlMember []byte) []byte {
	return arBytes(member{"debian-binary", []byte("2.0\n")}, member{name, controlMember}, member{"data.tar", make([]byte, 1024)})
}

// zeros is a stream of n zero bytes after head, compressed.
func zeros(t testing.TB, kind string, head []byte, n int64) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch kind {
	case "gz":
		w, err = gzip.NewWriterLevel(&b, gzip.BestSpeed)
	case "xz":
		w, err = xz.NewWriter(&b)
	case "zst":
		w, err = zstd.NewWriter(&b, zstd.WithEncoderLevel(zstd.SpeedFastest))
	}
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 1<<20)
	if _, err := w.Write(head); err != nil {
		t.Fatal(err)
	}
	for ; n > 0; n -= int64(len(block)) {
		if _, err := w.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// hugeHeader is the tar header of a file control that says it is of that size.
func hugeHeader(t testing.TB, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tar.NewWriter(&b).WriteHeader(&tar.Header{Name: "./control", Mode: 0o644, Size: size, Format: tar.FormatGNU}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const goodControl = "Package: kubeadm\nVersion: 1.36.3-1.1\nArchitecture: amd64\nMaintainer: A <a@example.org>\nDescription: x\n"

// TestHostilePackages adds files that someone made on purpose. Each is refused with an error that says why, the archive
// stays as it was, and none takes more memory than a large package may.
func TestHostilePackages(t *testing.T) {
	// Not parallel: it looks at the memory of the whole process.
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	before := snapshot(t, a.root)
	with := func(old, new string) []byte {
		return debWith("control.tar", controlTar(t, strings.Replace(goodControl, old, new, 1)))
	}
	many := make([]tar.Header, 300)
	for i := range many {
		many[i].Name = fmt.Sprintf("./%d", i)
	}
	// A zstd frame whose header asks for a window of 1 TiB: no single segment, exponent 30, no content.
	window := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 30 << 3, 0x01, 0x00, 0x00}
	// The dictionary size of an xz block's LZMA2 filter is the byte after 0x21 0x01; 40 stands for 4 GiB.
	dictionary := zeros(t, "xz", controlTar(t, goodControl), 0)
	at := bytes.Index(dictionary, []byte{0x21, 0x01})
	dictionary[at+2] = 40
	const mib = 1 << 20
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"traversal in the name", with("kubeadm", "../../kubeadm"), "package name"},
		{"absolute name", with("kubeadm", "/etc/kubeadm"), "package name"},
		{"dots alone", with("kubeadm", ".."), "package name"},
		{"traversal in the version", with("1.36.3-1.1", "1.36.3/../../../x"), "version"},
		{"version of dots", with("1.36.3-1.1", "../.."), "version"},
		{"backslash in the version", with("1.36.3-1.1", `1.36.3\..\x`), "version"},
		{"traversal in the architecture", with("amd64", "../amd64"), "architecture"},
		{"architecture and a path", with("amd64", "amd64/../../x"), "architecture"},
		{"a version as long as no file name may be", with("1.36.3", "1.36.3"+strings.Repeat("0", 300)), "too long a file name"},
		{"a name of 200 KB", with("kubeadm", strings.Repeat("K", 200<<10)), "too long a file name"},
		{"a second paragraph", with("Description: x\n", "Description: x\n\nPackage: evil\nVersion: 1\n"), "second stanza"},
		{"a blank line in a field", with("Description: x\n", "Description: x\n \n y\n"), "blanks only"},
		{"a carriage return", with("Description: x\n", "Description: x\r\n"), "carriage return"},
		{"a carriage return alone", with("Description: x\n", "Description: x\rPackage: evil\n"), "carriage return"},
		{"NUL", with("Description: x", "Description: x\x00"), "NUL"},
		{"a line end in the version", with("1.36.3-1.1", "1.36.3-1.1\n x"), "version"},
		{"a line end in the name", with("kubeadm", "kubeadm\n\tevil"), "package name"},
		{"a line without a colon", with("Description: x\n", "Description: x\nevil\n"), "no colon"},
		{"a field name with a blank", with("Description: x\n", "Description: x\nPackage : evil\n"), "field name"},
		{"a byte order mark", with("Package:", "\xef\xbb\xbfPackage:"), "byte order mark"},
		{"a field twice", with("Description: x\n", "Description: x\nVersion: 2\n"), "named twice"},
		{"a field twice, in other letters", with("Description: x\n", "Description: x\nVERSION: 2\n"), "named twice"},
		{"two fields of the same unknown name", with("Description: x\n", "Description: x\nX-A: 1\nx-a: 2\n"), "named twice"},
		{"10,000 fields", with("Description: x\n", "Description: x\n"+fields(10_000)), "more than 512 fields"},
		{"one line of 3 MB", with("Description: x", "Description: "+strings.Repeat("x", 3*mib)), "line is longer"},
		{"3 MB of short lines", with("Description: x", "Description: x"+strings.Repeat("\n y", mib)), "stanza is longer"},
		{"control file of 100 MB", debWith("control.tar", append(hugeHeader(t, 100*mib), make([]byte, 100*mib)...)), "more than the"},
		{"control file of 100 MB, gzip", debWith("control.tar.gz", zeros(t, "gz", hugeHeader(t, 100*mib), 100*mib)), "more than the"},
		{"control file of 100 MB, zstd", debWith("control.tar.zst", zeros(t, "zst", hugeHeader(t, 100*mib), 100*mib)), "more than the"},
		{"control file that says 8 EB", debWith("control.tar", hugeHeader(t, 1<<62)), "has the size"},
		{"bomb behind the control file, gzip", debWith("control.tar.gz", zeros(t, "gz", controlTar(t, goodControl), 200*mib)), "unpacks to more than"},
		{"bomb behind the control file, xz", debWith("control.tar.xz", zeros(t, "xz", controlTar(t, goodControl), 70*mib)), "unpacks to more than"},
		{"bomb behind the control file, zstd", debWith("control.tar.zst", zeros(t, "zst", controlTar(t, goodControl), 200*mib)), "member control.tar.zst: "},
		{"zstd window of 1 TiB", debWith("control.tar.zst", window), "member control.tar.zst: "},
		{"xz dictionary of 4 GiB", debWith("control.tar.xz", dictionary), "asks for a dictionary of"},
		{"300 files beside control", debWith("control.tar", tarOf(t, many...)(make([]string, 300)...)), "more than 256 entries"},
		{"a name of 900 KB", debWith("control.tar", tarOf(t, tar.Header{Name: "./" + strings.Repeat("x", 900<<10), Format: tar.FormatGNU})("")), "is longer than the 4096 allowed"},
		{"a name of 900 KB in the way of PAX", debWith("control.tar", tarOf(t, tar.Header{Name: "./" + strings.Repeat("x", 900<<10), Format: tar.FormatPAX})("")), "is of the kind 'x'"},
		{"two control files", debWith("control.tar", tarOf(t, tar.Header{Name: "./control"}, tar.Header{Name: "control"})(goodControl, strings.Replace(goodControl, "kubeadm", "evil", 1))), "control is there twice"},
		{"control that leaves its archive and comes back", debWith("control.tar", tarOf(t, tar.Header{Name: "x/../control"}, tar.Header{Name: "control"})(goodControl, goodControl)), "control is there twice"},
		{"control as a link", debWith("control.tar", tarOf(t, tar.Header{Name: "./control", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"})("")), "control is no regular file"},
		{"control as a device", debWith("control.tar", tarOf(t, tar.Header{Name: "./control", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 5})("")), "control is no regular file"},
		{"two control members", arBytes(member{"debian-binary", []byte("2.0\n")}, member{"control.tar", controlTar(t, goodControl)}, member{"control.tar", controlTar(t, goodControl)}, member{"data.tar", nil}), "found where data.tar belongs"},
		{"control after data", arBytes(member{"debian-binary", []byte("2.0\n")}, member{"data.tar", nil}, member{"control.tar", controlTar(t, goodControl)}), "found where control.tar belongs"},
		{"something after data", arBytes(member{"debian-binary", []byte("2.0\n")}, member{"control.tar", controlTar(t, goodControl)}, member{"data.tar", nil}, member{"control.tar.gz", nil}), "nothing may follow data.tar"},
		{"a member's name with a path", arBytes(member{"debian-binary", []byte("2.0\n")}, member{"../control.tar", controlTar(t, goodControl)}), "member name"},
		{"a member that says it is larger than the file", []byte(strings.Replace(string(with("x", "x")), "2048      `", "9999999999`", 1)), "member control.tar: "},
		{"nothing", nil, "not an ar archive"},
		{"zeros", make([]byte, mib), "not an ar archive"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "x.deb")
			if err := os.WriteFile(file, c.file, 0o644); err != nil {
				t.Fatal(err)
			}
			tx := a.begin()
			defer tx.Close()
			var from, to runtime.MemStats
			runtime.ReadMemStats(&from)
			_, err := tx.Add(t.Context(), []string{file}, apt.AddOptions{Suites: all})
			runtime.ReadMemStats(&to)
			if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 1000 {
				t.Errorf("got %.1000v, want %q", err, c.want)
			}
			if got := (to.TotalAlloc - from.TotalAlloc) / mib; got > 200 {
				t.Errorf("took %d MiB of memory", got)
			}
		})
	}
	if !maps.Equal(before, snapshot(t, a.root)) {
		t.Error("the tree changed")
	}
	a.publish(all, newDeb(t, "kubeadm", "1.36.2-1.1", "amd64"))
	a.mustVerify()
}

func fields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "X-%d: y\n", i)
	}
	return b.String()
}

// TestHostileNames adds good packages under bad file names: where a file goes is for its control paragraph to say.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	var files []string
	for i, name := range []string{
		"kubeadm_..%2f..%2fx_amd64.deb", "kubeadm\nPackage: evil_1_amd64.deb", "..deb", "kubeadm_1.36.3-1.1_amd64.deb\n", "-rf", "kubeadm_" + strings.Repeat("1", 200) + "_amd64.deb",
	} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, debtest.Bytes(t, "kubeadm", fmt.Sprintf("1.36.%d-1.1", i), "amd64", "fIlEnAmE: ../../../etc/passwd", "Sha256: 00", "SIZE: -1", "MD5sum: x"), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	a.publish(all, files...)
	var pool []string
	for name := range snapshot(t, a.root) {
		if strings.HasPrefix(name, "pool/") && strings.HasSuffix(name, ".deb") || strings.Contains(name, "x_amd64") {
			pool = append(pool, name)
		}
	}
	slices.Sort(pool)
	for i, name := range pool {
		if want := fmt.Sprintf("pool/main/k/kubeadm/kubeadm_1.36.%d-1.1_amd64.deb", i); name != want {
			t.Errorf("the pool has %q, want %q", name, want)
		}
	}
	index := a.read("dists/v1.36/main/binary-amd64/Packages")
	for _, field := range []string{"\nFilename: pool/", "\nSHA256: ", "\nSize: "} {
		if got := strings.Count(index, field); got != len(files) || strings.Count(strings.ToLower(index), strings.ToLower(field[:strings.Index(field, ":")+1])) != got {
			t.Errorf("%d of %d paragraphs have %q, or some have it twice:\n%s", got, len(files), field, index)
		}
	}
	a.mustVerify()
}

// TestCyclicLinks meets links in the pool that lead to themselves, or out of it.
func TestCyclicLinks(t *testing.T) {
	t.Parallel()
	const (
		dir  = "pool/main/k/kubeadm"
		file = dir + "/kubeadm_1.36.2-1.1_amd64.deb"
	)
	outside := t.TempDir()
	for _, c := range []struct {
		name, link, target string
		want               string // of the error; "" where the link is replaced
	}{
		{"a file that is a link to itself", file, filepath.Base(file), ""},
		{"a file that is a link to a directory above", file, "../..", ""},
		{"a file that is a link out of the archive", file, filepath.Join(outside, "x.deb"), ""},
		{"a directory that is a link to itself", "pool/main/k", "k", "publishing: pool: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			a.publish(all, newDeb(t, "docs", "1", "all"))
			link := filepath.Join(a.root, c.link)
			if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(c.target, link); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("..", filepath.Join(a.root, "pool/main/up")); err != nil { // leads round and round
				t.Fatal(err)
			}
			inRelease := a.read("dists/v1.36/InRelease")
			tx := a.begin()
			defer tx.Close()
			_, err := tx.Add(t.Context(), []string{newDeb(t, "kubeadm", "1.36.2-1.1", "amd64")}, apt.AddOptions{Suites: all})
			if err == nil {
				_, err = tx.Publish(t.Context(), a.options())
			}
			if c.want != "" {
				if !errors.Is(err, syscall.ELOOP) || !strings.HasPrefix(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				if a.read("dists/v1.36/InRelease") != inRelease {
					t.Error("InRelease changed")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			tx.Close()
			if stat, err := os.Lstat(link); err != nil || !stat.Mode().IsRegular() {
				t.Errorf("the link is still there: %v, %v", stat, err)
			}
			a.mustVerify()
			tx = a.begin()
			defer tx.Close()
			if garbage, err := tx.CollectGarbage(t.Context(), apt.GarbageOptions{}); err != nil || len(garbage) > 0 {
				t.Errorf("collected %v, %v", garbage, err)
			}
			// A link that comes later is a finding, and adding the package again puts the file back.
			if err := os.Remove(link); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(c.target, link); err != nil {
				t.Fatal(err)
			}
			if findings := a.verify().Findings; len(findings) != 1 || findings[0].Path != file {
				t.Errorf("found %v", findings)
			}
			tx.Close()
			a.publish(all, newDeb(t, "kubeadm", "1.36.2-1.1", "amd64"))
			a.mustVerify()
		})
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("something was written outside of the archive: %v, %v", left, err)
	}
}

// TestNamedPipe adds what nobody ever writes to.
func TestNamedPipe(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	pipe := filepath.Join(t.TempDir(), "kubeadm_1.36.2-1.1_amd64.deb")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	tx := a.begin()
	defer tx.Close()
	if _, err := tx.Add(t.Context(), []string{pipe}, apt.AddOptions{Suites: all}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("got %v", err)
	}
}
