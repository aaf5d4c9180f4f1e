package deb_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"kubedist/pkg/deb"
	"kubedist/pkg/hint"
)

// elfText is the start of an ELF file of 64 bytes.
func elfText(class, data byte, kind, machine uint16) string {
	h := make([]byte, 64)
	copy(h, "\x7fELF")
	h[4], h[5], h[6] = class, data, 1
	var order binary.ByteOrder = binary.LittleEndian
	if data == 2 {
		order = binary.BigEndian
	}
	order.PutUint16(h[16:], kind)
	order.PutUint16(h[18:], machine)
	return string(h)
}

// dataDeb is a package of an architecture with a data member of the given compression.
func dataDeb(t testing.TB, arch, kind string, plain []byte) []byte {
	t.Helper()
	text := strings.Replace(control, "amd64", arch, 1)
	return arFile(format, member{"control.tar", controlTar(t, text), -1}, member{strings.TrimSuffix("data.tar."+kind, "."), compress(t, kind, plain), -1})
}

func readDeb(t testing.TB, file []byte) error {
	t.Helper()
	p, err := deb.Read(t.Context(), bytes.NewReader(file), deb.Limits{})
	if err == nil && (p.Size != int64(len(file)) || p.SHA256 != sha256.Sum256(file)) {
		t.Errorf("size %d and digest %x are not the file's", p.Size, p.SHA256)
	}
	return err
}

// noise does not compress: it fills what is looked at of a packed member.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b)
	return b
}

func TestReadComparesMachines(t *testing.T) {
	t.Parallel()
	machines := []struct {
		archs   string
		program string
	}{
		{"amd64", elfText(2, 1, 2, 62)}, {"arm64", elfText(2, 1, 3, 183)}, {"armhf armel", elfText(1, 1, 2, 40)},
		{"i386", elfText(1, 1, 2, 3)}, {"loong64", elfText(2, 1, 2, 258)}, {"mips64el", elfText(2, 1, 2, 8)},
		{"ppc64el", elfText(2, 1, 2, 21)}, {"riscv64", elfText(2, 1, 2, 243)}, {"s390x", elfText(2, 2, 2, 22)},
	}
	for i, m := range machines {
		own := tarFile(t, entry{"./usr/bin/", "", tar.TypeDir}, entry{"./usr/bin/kubectl", m.program, tar.TypeReg})
		other := tarFile(t, entry{"./usr/bin/kubectl", machines[(i+1)%len(machines)].program, tar.TypeReg})
		for _, arch := range strings.Fields(m.archs) {
			if err := readDeb(t, dataDeb(t, arch, "", own)); err != nil {
				t.Errorf("%s: its own program: %v", arch, err)
			}
			if err := readDeb(t, dataDeb(t, arch, "", other)); err == nil || !strings.Contains(err.Error(), "architecture "+arch+" needs EM_") {
				t.Errorf("%s: the program of another: %v", arch, err)
			}
		}
	}
}

func TestReadRefusesAnotherMachine(t *testing.T) {
	t.Parallel()
	amd64 := entry{"./usr/bin/kubectl", elfText(2, 1, 2, 62), tar.TypeReg}
	plain := tarFile(t,
		entry{"./etc/x", "text", tar.TypeReg}, entry{"./etc/long", strings.Repeat("text ", 100), tar.TypeReg}, entry{"./usr/bin/k", "kubectl", tar.TypeSymlink},
		entry{"./usr/lib/filter.o", elfText(2, 1, 1, 247), tar.TypeReg}, amd64, entry{"./usr/share/noise", string(noise(300 << 10)), tar.TypeReg})
	for _, kind := range []string{"", "gz", "xz", "zst"} {
		want := strings.TrimSuffix("member data.tar."+kind, ".") +
			": ./usr/bin/kubectl is for EM_X86_64 (64-bit, little-endian), architecture arm64 needs EM_AARCH64 (64-bit, little-endian)"
		err := readDeb(t, dataDeb(t, "arm64", kind, plain))
		if err == nil || err.Error() != want || !strings.Contains(hint.Of(err), "arm64") {
			t.Errorf("%q: got %v (hint %q), want %s", kind, err, hint.Of(err), want)
		}
		for _, arch := range []string{"amd64", "all", "hurd-i386"} {
			if err := readDeb(t, dataDeb(t, arch, kind, plain)); err != nil {
				t.Errorf("%q, %s: %v", kind, arch, err)
			}
		}
	}
}

// TestReadLooksAtTheStartAlone has packages whose program comes too late: behind much that is packed, or behind little
// that unpacks to much.
func TestReadLooksAtTheStartAlone(t *testing.T) {
	t.Parallel()
	amd64 := entry{"./usr/bin/kubectl", elfText(2, 1, 2, 62), tar.TypeReg}
	for name, first := range map[string][]byte{"packed": noise(300 << 10), "unpacked": make([]byte, 5<<20)} {
		plain := tarFile(t, entry{"./first", string(first), tar.TypeReg}, amd64)
		for _, kind := range []string{"", "gz", "xz", "zst"} {
			if err := readDeb(t, dataDeb(t, "arm64", kind, plain)); err != nil {
				t.Errorf("%s, %q: %v", name, kind, err)
			}
		}
	}
}

func TestReadHostileData(t *testing.T) {
	t.Parallel()
	plain := tarFile(t, entry{"./x", string(noise(2000)), tar.TypeReg})
	for _, c := range []struct{ kind, name, want string }{
		{"", "data.tar", "tar: "}, {"gz", "data.tar.gz", "gzip: "}, {"xz", "data.tar.xz", "xz: "}, {"zst", "data.tar.zst", "tar: "},
	} {
		file := func(data []byte) []byte {
			return arFile(format, member{"control.tar", controlTar(t, control), -1}, member{c.name, data, -1})
		}
		packed := compress(t, c.kind, plain)
		for how, bad := range map[string][]byte{"garbage": noise(1000), "long garbage": noise(300 << 10), "a part": packed[:len(packed)/2]} {
			err := readDeb(t, file(bad))
			if err == nil || !strings.HasPrefix(err.Error(), "member "+c.name+": ") || how != "a part" && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s of %s: got %v", how, c.name, err)
			}
		}
	}
	// Streams that only others unpack are not refused.
	giant := compress(t, "xz", plain)
	giant[12+4] = 40 // the dictionary property: 4 GiB
	if err := readDeb(t, arFile(format, member{"control.tar", controlTar(t, control), -1}, member{"data.tar.xz", giant, -1})); err != nil {
		t.Errorf("giant dictionary: %v", err)
	}
}

func BenchmarkRead(b *testing.B) {
	plain := tarFile(b, entry{"./usr/bin/kubectl", elfText(2, 1, 2, 62) + string(noise(4<<20)), tar.TypeReg})
	for _, kind := range []string{"gz", "xz", "zst"} {
		for _, arch := range []string{"amd64", "all"} { // looked into, and not
			file := dataDeb(b, arch, kind, plain)
			b.Run(fmt.Sprintf("%s/%s", kind, arch), func(b *testing.B) {
				b.SetBytes(int64(len(file)))
				for b.Loop() {
					if err := readDeb(b, file); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
