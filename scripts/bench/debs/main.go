// Command debs writes small packages to measure archives with: thousands a second, the same bytes each time.
//
//	go run ./scripts/bench/debs -out DIR -count 10000
//
// Below DIR they lie as in a pool, pool/main/k/k00010-bench/k00010-bench_1.0-1_arm64.deb, where apt-ftparchive finds them in
// place. Each name exists for every architecture, in one version. The data member holds a file of random bytes.
package main

import (
	"archive/tar"
	"bytes"
	"crypto/md5"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// stamp dates everything: packages made twice are the same.
var stamp = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

func main() {
	out := flag.String("out", "", "directory that gets the packages")
	count := flag.Int("count", 10000, "packages to write, over all architectures")
	first := flag.Int("first", 0, "number of the first one")
	size := flag.Int("size", 2500, "bytes of the file in each")
	version := flag.String("version", "1.0-1", "version of all")
	archs := flag.String("archs", "amd64,arm64,armhf,ppc64el,s390x", "architectures")
	flag.Parse()
	if *out == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	w := newWriter(*version, *size)
	names := strings.Split(*archs, ",")
	for i := *first; i < *first+*count; i++ {
		if err := w.write(*out, i/len(names), names[i%len(names)]); err != nil {
			fmt.Fprintf(os.Stderr, "debs: %v\n", err)
			os.Exit(1)
		}
	}
}

// writer makes package after package in the same buffers.
type writer struct {
	version         string
	content         []byte
	packed, control *gzip.Writer
	file, member    bytes.Buffer
}

func newWriter(version string, size int) *writer {
	w := &writer{version: version, content: make([]byte, size)}
	w.control = gzip.NewWriter(nil)
	w.packed, _ = gzip.NewWriterLevel(nil, gzip.NoCompression) // random bytes do not compress
	return w
}

// write writes one package.
func (w *writer) write(dir string, number int, arch string) error {
	letter := string(rune('a' + number%26))
	name := fmt.Sprintf("%s%05d-bench", letter, number)
	random := rand.NewChaCha8([32]byte{0: byte(number), 1: byte(number >> 8), 2: byte(number >> 16), 3: arch[0], 4: arch[len(arch)-1]})
	if _, err := io.ReadFull(random, w.content); err != nil {
		return err
	}
	w.file.Reset()
	w.file.WriteString("!<arch>\n")
	w.add("debian-binary", []byte("2.0\n"))
	content := "usr/share/" + name + "/content"
	if err := w.tar(w.control, []file{
		{"control", w.paragraph(name, arch)},
		{"md5sums", fmt.Appendf(nil, "%x  %s\n", md5.Sum(w.content), content)},
	}); err != nil {
		return err
	}
	w.add("control.tar.gz", w.member.Bytes())
	if err := w.tar(w.packed, []file{{content, w.content}}); err != nil {
		return err
	}
	w.add("data.tar.gz", w.member.Bytes())
	path := filepath.Join(dir, "pool", "main", letter, name, name+"_"+w.version+"_"+arch+".deb")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, w.file.Bytes(), 0o644)
}

// paragraph is a control paragraph of usual length.
func (w *writer) paragraph(name, arch string) []byte {
	return fmt.Appendf(nil, `Package: %[1]s
Version: %[2]s
Architecture: %[3]s
Maintainer: Measurements <bench@example.org>
Installed-Size: %[4]d
Depends: libc6 (>= 2.34), libgcc-s1 (>= 3.0)
Section: admin
Priority: optional
Homepage: https://example.org/%[1]s
Description: package to measure archives with
 The program %[1]s does nothing at all, but it does that on %[3]s and in
 version %[2]s. Its description is as long as that of other packages,
 since every index has to carry it.
 .
 Nobody needs to install it.
`, name, w.version, arch, len(w.content)/1024+8)
}

// file is one file of a tar archive.
type file struct {
	name    string
	content []byte
}

// tar fills member with a packed tar archive: directories first, as dpkg-deb has them.
func (w *writer) tar(packed *gzip.Writer, files []file) error {
	w.member.Reset()
	packed.Reset(&w.member)
	archive := tar.NewWriter(packed)
	seen := map[string]bool{}
	for _, f := range files {
		parts := strings.Split("./"+f.name, "/")
		for i := 1; i < len(parts); i++ {
			dir := strings.Join(parts[:i], "/") + "/"
			if seen[dir] {
				continue
			}
			seen[dir] = true
			if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, ModTime: stamp, Uname: "root", Gname: "root"}); err != nil {
				return err
			}
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: "./" + f.name, Size: int64(len(f.content)), Mode: 0o644, ModTime: stamp, Uname: "root", Gname: "root"}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(f.content); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return packed.Close()
}

// add appends a member to the ar archive.
func (w *writer) add(name string, content []byte) {
	fmt.Fprintf(&w.file, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", name, stamp.Unix(), 0, 0, "100644", len(content))
	w.file.Write(content)
	if len(content)%2 == 1 {
		w.file.WriteByte('\n')
	}
}
