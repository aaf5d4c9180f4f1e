package deb_test

import (
	"slices"
	"strings"
	"testing"

	"kubedist/pkg/deb"
	"kubedist/pkg/deb822"
)

const digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

const dsc = "Format: 3.0 (quilt)\nSource: kubernetes\nBinary: kubeadm, kubelet\nArchitecture: any all\nVersion: 1:1.36.3-1\nMaintainer: A <a@example.org>\n" +
	"Checksums-Sha256:\n " + digest + " 10 kubernetes_1.36.3.orig.tar.xz\n " + digest + " 20 kubernetes_1.36.3-1.debian.tar.xz\n" +
	"Files:\n 0123 10 kubernetes_1.36.3.orig.tar.xz\n"

func TestParseSource(t *testing.T) {
	t.Parallel()
	s, err := deb.ParseSource([]byte(dsc), deb822.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := []deb.SourceFile{{Name: "kubernetes_1.36.3.orig.tar.xz", Size: 10, SHA256: digest}, {Name: "kubernetes_1.36.3-1.debian.tar.xz", Size: 20, SHA256: digest}}
	if s.Name != "kubernetes" || s.Version != "1:1.36.3-1" || deb.SourceName(s) != "kubernetes_1.36.3-1.dsc" || !slices.Equal(s.Files, want) {
		t.Errorf("got %+v", s)
	}
}

func TestParseSourceRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, old, new, want string }{
		{"no format", "Format: 3.0 (quilt)\n", "", "mandatory field Format is missing"},
		{"no digests", "Checksums-Sha256", "Checksums-Sha1", "mandatory field Checksums-Sha256 is missing"},
		{"a name with a slash", "Source: kubernetes", "Source: ../kubernetes", "package name"},
		{"a version with a line end", "1:1.36.3-1", "1:1.36.3-1 x", "version"},
		{"a traversal", " kubernetes_1.36.3-1.debian", " ../x", "is no plain file name"},
		{"an absolute path", " kubernetes_1.36.3-1.debian", " /etc/x", "is no plain file name"},
		{"a hidden file", " kubernetes_1.36.3-1.debian", " .x", "is no plain file name"},
		{"twice", "1.36.3-1.debian", "1.36.3.orig", "is listed twice"},
		{"a short digest", digest + " 20", digest[1:] + " 20", "is no SHA-256"},
		{"an upper-case digest", digest + " 20", strings.ToUpper(digest) + " 20", "is no SHA-256"},
		{"a negative size", " 20 ", " -20 ", "is no number"},
		{"two words", " 20 kub", " kub", "is no digest, size and name"},
		{"a long name", "Source: kubernetes", "Source: k" + strings.Repeat("x", 300), "too long a file name"},
		{"two paragraphs", "Files:", "\nFiles:", "second stanza"},
	} {
		text := strings.Replace(dsc, c.old, c.new, 1)
		if text == dsc {
			t.Fatalf("%s: nothing is replaced", c.name)
		}
		if s, err := deb.ParseSource([]byte(text), deb822.Limits{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %+v, %v; want %q in the error", c.name, s, err, c.want)
		}
	}
}

func FuzzParseSource(f *testing.F) {
	f.Add([]byte(dsc))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := deb.ParseSource(text, deb822.Limits{})
		if err != nil {
			return
		}
		for _, file := range append(s.Files, deb.SourceFile{Name: deb.SourceName(s)}) {
			if strings.ContainsAny(file.Name, "/\\\n\x00 ") || strings.HasPrefix(file.Name, ".") || file.Size < 0 {
				t.Errorf("file %+v", file)
			}
		}
	})
}
