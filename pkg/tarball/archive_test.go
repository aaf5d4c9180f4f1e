package tarball_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/tarball"
)

func ExampleArchive() {
	var a tarball.Archive
	a.Add(
		tarball.File{Name: "client/bin/kubectl", Mode: 0o755, Source: tarball.Bytes("\x7fELF")},
		tarball.File{Name: "version", Source: tarball.Bytes("v1.36.3\n")},
	)
	a.AddPrefix("kubernetes")
	var out bytes.Buffer
	when := time.Date(2026, 7, 15, 0, 0, 0, 0, time.UTC)
	if err := a.WriteGzip(context.Background(), &out, tarball.Options{Time: when}); err != nil {
		fmt.Println(err)
		return
	}
	entries, err := tarball.List(context.Background(), &out, tarball.Limits{})
	for _, e := range entries {
		fmt.Println(e.Type|e.Mode, e.Name)
	}
	fmt.Println(err)
	// Output:
	// drwxr-xr-x kubernetes
	// drwxr-xr-x kubernetes/client
	// drwxr-xr-x kubernetes/client/bin
	// -rwxr-xr-x kubernetes/client/bin/kubectl
	// -rw-r--r-- kubernetes/version
	// <nil>
}

func names(a *tarball.Archive) string {
	var all []string
	for _, f := range a.Files {
		all = append(all, f.Name)
	}
	return strings.Join(all, " ")
}

func archiveOf(names ...string) *tarball.Archive {
	var a tarball.Archive
	for _, name := range names {
		a.Add(tarball.File{Name: name, Source: tarball.Bytes{}})
	}
	return &a
}

func TestSort(t *testing.T) {
	t.Parallel()
	a := archiveOf("b", "a.b", "a/c", "a", "a/b/c", "a-b", "A")
	a.Sort()
	if got, want := names(a), "A a a/b/c a/c a-b a.b b"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFilterAndPrefix(t *testing.T) {
	t.Parallel()
	a := archiveOf("a", "b.go", "c/d.go")
	a.Filter(func(f tarball.File) bool { return strings.HasSuffix(f.Name, ".go") })
	a.AddPrefix("kubernetes/src")
	if got, want := names(a), "kubernetes/src/b.go kubernetes/src/c/d.go"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	file := func(name string) tarball.File { return tarball.File{Name: name, Source: tarball.Bytes{}} }
	link := func(name, target string) tarball.File { return tarball.File{Name: name, Link: target} }
	tests := []struct {
		name  string
		files []tarball.File
		want  []string // parts of the error; none when the archive is fine
	}{
		{"empty", nil, nil},
		{"files", []tarball.File{file("a"), file("b/c"), {Name: "b", Dir: true, Mode: 0o700}}, nil},
		{"links", []tarball.File{file("a/b"), link("a/c", "b"), link("d", "a"), link("e/f", "../a/b"), link("g", "nowhere")}, nil},
		{"absolute", []tarball.File{file("/a")}, []string{`"/a" is not a plain relative name`}},
		{"dot dot", []tarball.File{file("a/../b"), file("../c")}, []string{`"a/../b" is not`, `"../c" is not`}},
		{"empty name", []tarball.File{file(""), file(".")}, []string{`"" is not`, `"." is not`}},
		{"trailing slash", []tarball.File{file("a/")}, []string{`"a/" is not`}},
		{"newline", []tarball.File{file("a\nb")}, []string{`"a\nb" has a backslash or control character`}},
		{"backslash in target", []tarball.File{link("a", `b\c`)}, []string{`"a" has a backslash`}},
		{"duplicate", []tarball.File{file("a"), {Name: "a", Dir: true}}, []string{`"a" comes twice`}},
		{"below a file", []tarball.File{file("a/b/c"), file("a")}, []string{`"a/b/c" lies below "a", which is no directory`}},
		{"below a link", []tarball.File{link("a", "b"), file("a/c")}, []string{`"a/c" lies below "a"`}},
		{"no kind", []tarball.File{{Name: "a"}}, []string{`"a" must be one of`}},
		{"two kinds", []tarball.File{{Name: "a", Dir: true, Link: "b"}}, []string{`"a" must be one of`}},
		{"setuid", []tarball.File{{Name: "a", Source: tarball.Bytes{}, Mode: 0o755 | fs.ModeSetuid}}, []string{`"a" has mode u`}},
		{"xattrs", []tarball.File{{Name: "a", Source: tarball.Bytes{}, Xattrs: map[string]string{"user.a": ""}}}, []string{`"a" has extended attributes`}},
		{"absolute link", []tarball.File{link("a", "/etc/passwd")}, []string{`"a" links to "/etc/passwd", outside`}},
		{"link above", []tarball.File{link("a/b", "../../c")}, []string{`"a/b" links to "../../c", outside`}},
		// Through a -> b/c, "a/.." is b, not the root: each such step down hides a way up.
		{"link through link", []tarball.File{link("a", "b/c"), link("d/e", "../a/../..")}, []string{`"d/e" links to`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := tarball.Archive{Files: test.files}
			err := a.Check()
			if (err != nil) != (test.want != nil) {
				t.Fatalf("error %v", err)
			}
			for _, part := range test.want {
				if !errors.Is(err, tarball.ErrArchive) || !strings.Contains(err.Error(), part) {
					t.Errorf("error %v lacks %q", err, part)
				}
			}
			if err == nil {
				return
			}
			var out bytes.Buffer
			if err := a.WriteGzip(t.Context(), &out, tarball.Options{Time: stamp}); !errors.Is(err, tarball.ErrArchive) {
				t.Errorf("written anyway: %v", err)
			}
			if out.Len() > 0 {
				t.Errorf("%d bytes were written", out.Len())
			}
		})
	}
}
