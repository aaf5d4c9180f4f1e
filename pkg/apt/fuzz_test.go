package apt_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"kubedist/pkg/apt"
	"kubedist/pkg/deb"
	"kubedist/repo"
)

// What passes as a definition has names that are plain names, wherever they become paths or fields.
func FuzzParseDefinition(f *testing.F) {
	f.Add(string(repo.Archive))
	f.Add("origin: x\nsuites: [{name: ../x, accepts: '*'}]\n")
	f.Add("a: &a [x, x]\nb: &b [*a, *a]\nsuites: [*b, *b]\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := apt.ParseDefinition("archive.yaml", []byte(text))
		if err != nil {
			return
		}
		for _, s := range d.Suites {
			for _, name := range append(slices.Clone(s.Aliases), s.Name, s.Flat) {
				if strings.HasPrefix(name, "/") || slices.Contains(strings.Split(name, "/"), "..") || strings.ContainsAny(name, " \t\r\n\x00\\") {
					t.Errorf("name %q", name)
				}
			}
		}
		if strings.ContainsAny(d.Origin+d.Label+d.Description, "\r\n\x00") || strings.ContainsAny(d.URL, " \n\x00") {
			t.Errorf("lines in %+v", d)
		}
		if _, err := d.SuitesFor("v1.36.3"); err != nil && len(d.Suites) == 0 {
			t.Errorf("no suite: %v", err)
		}
	})
}

func FuzzParseSelector(f *testing.F) {
	for _, seed := range []string{"kubeadm", "kubeadm (<< 1.34)", "kubeadm:arm64 (= 1:1.36.3-1.1)", "libc6(>=2.36)", "a (", "a:b:c (>> 1)", "python3:any (>= 3.9)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := apt.ParseSelector(text)
		if err != nil {
			return
		}
		if deb.CheckName(s.Package) != nil || strings.ContainsAny(s.Architecture, "/\n") {
			t.Errorf("got %+v", s)
		}
		written := s.Package
		if s.Architecture != "" {
			written += ":" + s.Architecture
		}
		if s.Relation != "" {
			written += " (" + s.Relation + " " + s.Version + ")"
		}
		if again, err := apt.ParseSelector(written); err != nil || again != s {
			t.Errorf("%q: got %+v, %v, was %+v", written, again, err, s)
		}
	})
}

// What a package needs is found or is an error; and what was found satisfies itself.
func FuzzRelations(f *testing.F) {
	f.Add("libc6 (>= 2.36), a | b:any (= 1), c", "a (= 2), d", "libc6 (>= 2.36)")
	f.Add("x [amd64]", "", "")
	f.Add("x,\n y |\n z", "x", "y")
	f.Fuzz(func(t *testing.T, depends, provides, declared string) {
		if err := apt.Relations(depends, provides, declared); err != nil {
			t.Error(err)
		}
	})
}

// No stream unpacks to more than is allowed, however it is packed.
func FuzzUnpackIndex(f *testing.F) {
	for _, kind := range []string{"gz", "xz", "zst"} {
		f.Add(zeros(f, kind, []byte("Package: x\n"), 0), kind)
	}
	f.Add([]byte("Package: x\n"), "")
	f.Fuzz(func(t *testing.T, packed []byte, compression string) {
		text, err := apt.UnpackIndex(packed, compression)
		if err == nil && compression == "" && !bytes.Equal(text, packed) {
			t.Error("a plain file changed")
		}
		if err == nil && compression != "" && len(text) > 1<<20 {
			t.Errorf("unpacks to %d bytes", len(text))
		}
		_ = apt.Sniff(packed)
	})
}

// A name's paragraphs are those that reading the whole index finds.
func FuzzParagraphsOf(f *testing.F) {
	const one = "Package: kubeadm\nVersion: 1\nArchitecture: all\nFilename: pool/a.deb\nSize: 1\nSHA256: 7e41f8dcdfc558a2d883de0e636636b476342a3ad3e3f40ff126a17229edbd0e\n"
	f.Add(one)
	f.Add(one + "\n" + strings.Replace(one, "kubeadm", "kubectl", 1) + "\n" + strings.Replace(one, "Version: 1", "Version: 2", 1))
	f.Add("\n" + one)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := apt.ParsePackages(text)
		if err != nil {
			return
		}
		found, err := apt.ParagraphsOf(text, "kubeadm")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range found {
			if !slices.Contains(all, p) {
				t.Errorf("found %q, which is none of %q", p, all)
			}
		}
		for _, p := range all {
			if strings.HasPrefix(p, "Package: kubeadm\n") && !slices.Contains(found, p) {
				t.Errorf("missed %q", p)
			}
		}
	})
}
