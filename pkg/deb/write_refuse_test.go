package deb_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/deb"
)

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
