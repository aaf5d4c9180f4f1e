package deb_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"kubedist/pkg/deb"
)

const control = "Package: kubeadm\nVersion: 1.36.3-1.1\nArchitecture: amd64\nMaintainer: A <a@example.org>\nDescription: tool\n"

// member is one member of an ar archive; a size of -1 is filled in.
type member struct {
	name string
	data []byte
	size int
}

func arFile(members ...member) []byte {
	b := bytes.NewBufferString("!<arch>\n")
	for _, m := range members {
		if m.size < 0 {
			m.size = len(m.data)
		}
		fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", m.name, 0, 0, 0, 0o100644, m.size)
		b.Write(m.data)
		if len(m.data)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

type entry struct {
	name, text string
	kind       byte
}

func tarFile(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Mode: 0o644}
		switch e.kind {
		case tar.TypeReg:
			h.Size = int64(len(e.text))
		case tar.TypeSymlink:
			h.Linkname, e.text = e.text, ""
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, e.text)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func compress(t testing.TB, kind string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch kind {
	case "gz":
		w = gzip.NewWriter(&b)
	case "xz":
		w, err = xz.NewWriter(&b)
	case "zst":
		w, err = zstd.NewWriter(&b)
	default:
		return data
	}
	if err != nil {
		t.Fatal(err)
	}
	w.Write(data)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func controlTar(t testing.TB, text string) []byte {
	return tarFile(t, entry{"./", "", tar.TypeDir}, entry{"./conffiles", "/etc/default/kubelet\n/etc/x\n", tar.TypeReg}, entry{"./control", text, tar.TypeReg})
}

var (
	format = member{"debian-binary", []byte("2.0\n"), -1}
	data   = member{"data.tar.lzma", []byte("odd"), -1} // not unpacked
)

func TestRead(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"", "gz", "xz", "zst"} {
		name := strings.TrimSuffix("control.tar."+kind, ".")
		file := arFile(format, member{"_extra", []byte("x"), -1}, member{name, compress(t, kind, controlTar(t, control)), -1}, data, member{"_gpgorigin", []byte("sig"), -1})
		for how, r := range map[string]io.Reader{"whole": bytes.NewReader(file), "byte by byte": iotest.OneByteReader(bytes.NewReader(file)), "end with data": iotest.DataErrReader(bytes.NewReader(file))} {
			p, err := deb.Read(t.Context(), r, deb.Limits{})
			if err != nil {
				t.Fatalf("%s, %s: %v", name, how, err)
			}
			if p.Package != "kubeadm" || p.Version != "1.36.3-1.1" || p.Architecture != "amd64" || p.Control.Get("Description") != "tool" {
				t.Errorf("%s, %s: got %+v", name, how, p)
			}
			if p.Size != int64(len(file)) || p.SHA256 != sha256.Sum256(file) {
				t.Errorf("%s, %s: size %d and digest %x are not the file's", name, how, p.Size, p.SHA256)
			}
			if strings.Join(p.Conffiles, " ") != "/etc/default/kubelet /etc/x" {
				t.Errorf("%s, %s: conffiles %q", name, how, p.Conffiles)
			}
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	good := member{"control.tar", controlTar(t, control), -1}
	with := func(text string) member { return member{"control.tar", controlTar(t, text), -1} }
	zeros := make([]byte, 3<<20)
	bomb := func(kind string) member {
		return member{"control.tar." + kind, compress(t, kind, append(controlTar(t, control), zeros...)), -1}
	}
	change := func(old, new string) []byte { return arFile(format, with(strings.Replace(control, old, new, 1)), data) }
	whole := arFile(format, good, data)
	xzControl := compress(t, "xz", controlTar(t, control))
	giant := bytes.Clone(xzControl)
	giant[12+4] = 40 // the dictionary property: 4 GiB
	small := deb.Limits{File: 1 << 20, Unpacked: 2 << 20, Packed: 100 << 10, Dictionary: 16 << 20, Entries: 5}
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "not an ar archive: unexpected EOF"},
		{"wrong magic", []byte("PK\x03\x04 and so on"), `not an ar archive: begins with "PK\x03\x04 and"`},
		{"magic only", []byte("!<arch>\n"), "member debian-binary: missing"},
		{"truncated header", whole[:30], "after the magic: 22 bytes follow"},
		{"truncated control", whole[:300], "member control.tar: 3416 bytes short of its size"},
		{"truncated data", whole[:len(whole)-2], "member data.tar.lzma: 1 bytes short of its size"},
		{"no padding", whole[:len(whole)-1], "member data.tar.lzma: padding byte: unexpected EOF"},
		{"wrong padding", append(bytes.Clone(whole[:len(whole)-1]), 'x'), "member data.tar.lzma: padded with the byte 0x78"},
		{"trailing data", append(bytes.Clone(whole), "tail"...), "after member data.tar.lzma: 4 bytes follow"},
		{"long trailing data", append(bytes.Clone(whole), zeros[:1000]...), "after member data.tar.lzma: what follows is no ar header"},
		{"size too large", arFile(format, good, member{"data.tar.lzma", []byte("odd"), 1000}), "member data.tar.lzma: 996 bytes short of its size"},
		{"size too small", arFile(format, good, member{"data.tar.lzma", []byte("four"), 2}), "after member data.tar.lzma: 2 bytes follow"},
		{"no size", bytes.Replace(whole, []byte("4         `"), []byte("-4        `"), 1), `member debian-binary: size "-4        " is no decimal number`},
		{"no format member", arFile(good, data), "member control.tar: found where debian-binary belongs"},
		{"another format", arFile(member{"debian-binary", []byte("3.0\n"), -1}, good, data), `format version "3.0\n" is not 2.0`},
		{"wrong order", arFile(format, data, good), "member data.tar.lzma: found where control.tar belongs"},
		{"no control", arFile(format), "member control.tar: missing"},
		{"no data", arFile(format, good), "member data.tar: missing"},
		{"two controls", arFile(format, good, good, data), "member control.tar: found where data.tar belongs"},
		{"member after data", arFile(format, good, data, member{"more", nil, -1}), "member more: nothing may follow data.tar"},
		{"unknown compression", arFile(format, member{"control.tar.lz4", nil, -1}, data), "member control.tar.lz4: unknown compression"},
		{"path in a member name", arFile(format, member{"../control.tar", nil, -1}, data), `member name "../control.tar" holds the byte 0x2f`},
		{"damaged gzip", arFile(format, member{"control.tar.gz", []byte("nonsense"), -1}, data), "member control.tar.gz: gzip: "},
		{"damaged xz", arFile(format, member{"control.tar.xz", []byte("nonsense"), -1}, data), "member control.tar.xz: xz: "},
		{"truncated xz", arFile(format, member{"control.tar.xz", xzControl[:60], -1}, data), "member control.tar.xz: xz: ends inside a block"},
		{"damaged zstd", arFile(format, member{"control.tar.zst", []byte("nonsense"), -1}, data), "member control.tar.zst: "},
		{"gzip bomb", arFile(format, bomb("gz"), data), "member control.tar.gz: after the tar archive: unpacks to more than the 2097152 bytes allowed"},
		{"xz bomb", arFile(format, bomb("xz"), data), "member control.tar.xz: after the tar archive: unpacks to more than the 2097152 bytes allowed"},
		{"zstd bomb", arFile(format, bomb("zst"), data), "member control.tar.zst: "},
		{"xz dictionary", arFile(format, member{"control.tar.xz", giant, -1}, data), "asks for a dictionary of 4294967296 bytes"},
		{"large control member", arFile(format, member{"control.tar", zeros[:200<<10], -1}, data), "member control.tar: 204800 bytes are more than the 102400 allowed"},
		{"large file", arFile(format, good, member{"data.tar", zeros[:2<<20], -1}), "file: more than the 1048576 bytes allowed"},
		{"no control file", arFile(format, member{"control.tar", tarFile(t, entry{"./md5sums", "", tar.TypeReg}), -1}, data), "member control.tar: tar: no file control"},
		{"control is a link", arFile(format, member{"control.tar", tarFile(t, entry{"./control", "/etc/passwd", tar.TypeSymlink}), -1}, data), "tar: control is no regular file"},
		{"control twice", arFile(format, member{"control.tar", tarFile(t, entry{"./control", control, tar.TypeReg}, entry{"control", control, tar.TypeReg}), -1}, data), "tar: control is there twice"},
		{"many entries", arFile(format, member{"control.tar", tarFile(t, entry{"1", "", tar.TypeReg}, entry{"2", "", tar.TypeReg}, entry{"3", "", tar.TypeReg}, entry{"4", "", tar.TypeReg}, entry{"5", "", tar.TypeReg}, entry{"6", "", tar.TypeReg}), -1}, data), "tar: more than 5 entries"},
		{"field twice", arFile(format, with(control+"package: kubelet\n"), data), "member control.tar: control: line 6: field package named twice"},
		{"second paragraph", arFile(format, with(control+"\nPackage: kubelet\n"), data), "control: line 7: second stanza"},
		{"no version", change("Version: 1.36.3-1.1\n", ""), "control: mandatory field Version is missing (Policy 5.3)"},
		{"no description", change("Description: tool\n", "Description:\n"), "control: mandatory field Description is missing"},
		{"path in the name", change("kubeadm", "../../etc/passwd"), `control: package name "../../etc/passwd": character '.' at 1`},
		{"path in the version", change("1.36.3-1.1", "1/../../x"), `control: version "1/../../x": character '/'`},
		{"path in the architecture", change("amd64", "../amd64"), `control: architecture "../amd64": character '.' at 1`},
		{"line in the version", change("1.36.3-1.1", "1\n 2"), `control: version "1\n2": character '\n'`},
		{"wildcard architecture", change("amd64", "linux-any"), `control: architecture "linux-any": only a source package`},
		{"upper case", change("kubeadm", "Kubeadm"), `control: package name "Kubeadm": character 'K' at 1 (Policy 5.6.1)`},
		{"short name", change("kubeadm", "k"), `control: package name "k": shorter than two characters`},
		{"long name", change("kubeadm", strings.Repeat("k", 250)), "too long a file name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, err := deb.Read(t.Context(), bytes.NewReader(c.file), small)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %+v, %v, want an error with %s", p, err, c.want)
			}
		})
	}
}

func TestReadStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := deb.Read(ctx, bytes.NewReader(arFile(format)), deb.Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// TestReadRealPackages reads what dpkg-deb writes, with the compressions it knows.
func TestReadRealPackages(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("dpkg-deb is not installed")
	}
	for _, kind := range []string{"none", "gzip", "xz", "zstd"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, "p/DEBIAN"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "p/DEBIAN/control"), []byte(control), 0o644); err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(dir, "p.deb")
			if out, err := exec.Command("dpkg-deb", "-b", "-Z"+kind, filepath.Join(dir, "p"), name).CombinedOutput(); err != nil {
				t.Skipf("dpkg-deb without %s: %v: %s", kind, err, out)
			}
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			p, err := deb.Read(t.Context(), f, deb.Limits{})
			if err != nil || deb.Name(p) != "kubeadm_1.36.3-1.1_amd64.deb" {
				t.Errorf("got %+v, %v", p, err)
			}
		})
	}
}

func ExampleName() {
	fmt.Println(deb.Name(&deb.Info{Package: "g++", Version: "4:12.2.0-3", Architecture: "amd64"}))
	// Output: g++_12.2.0-3_amd64.deb
}

func FuzzRead(f *testing.F) {
	for _, kind := range []string{"", "gz", "xz", "zst"} {
		name := strings.TrimSuffix("control.tar."+kind, ".")
		f.Add(arFile(format, member{name, compress(f, kind, controlTar(f, control)), -1}, data))
	}
	f.Add([]byte("!<arch>\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := deb.Read(context.Background(), bytes.NewReader(file), deb.Limits{Unpacked: 1 << 20, Packed: 1 << 20, Dictionary: 8 << 20})
		if err != nil {
			return
		}
		if p.SHA256 != sha256.Sum256(file) || p.Size != int64(len(file)) {
			t.Errorf("size %d and digest %x are not the file's", p.Size, p.SHA256)
		}
		if name := deb.Name(p); name != filepath.Base(name) || strings.ContainsAny(name, "/\\\n\x00 ") {
			t.Errorf("name %q is no plain file name", name)
		}
	})
}
