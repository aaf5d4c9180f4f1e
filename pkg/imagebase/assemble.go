package imagebase

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"kubedist/pkg/deb"
	"kubedist/pkg/debroot"
	"kubedist/pkg/hint"
	"kubedist/pkg/spec"
	"kubedist/pkg/tarball"
)

// recipe is the version of how bases are assembled. It goes into their names: raise it when the same base gives other
// files.
const recipe = "1"

// own is what errors call what no package has.
const own = "(the base's own)"

// statusDir holds the control paragraph of each package, as a file of its name. Images without dpkg have it there for
// programs that look for packages with known flaws.
const statusDir = "var/lib/dpkg/status.d"

// assemble makes a base of packages.
func assemble(ctx context.Context, o Options) (*Content, error) {
	what := fmt.Sprintf("base %s for %s", o.Base.Name, o.Platform)
	packages := o.Base.LockedFor(o.Platform.Debian)
	if o.Platform.Debian == "" || len(packages) == 0 || !o.Base.Covers(o.Platform.Debian) {
		return nil, hint.Errorf("run kubedist image base lock "+o.Base.Name, "%s: no packages are locked for it", what)
	}
	files, name, err := readFiles(o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	dir, err := debroot.Fetch(ctx, debroot.Options{
		Dir: filepath.Join(o.CacheDir, "bases"), Name: name, What: what, Task: o.Base.Name + " " + o.Platform.String(), Suite: o.Base.Suite,
		Packages: packages, Excludes: o.Base.Excludes,
		Unpacked: func(t *debroot.Tree, info *deb.Info) error {
			return t.Write(own, path.Join(statusDir, info.Package), []byte(info.Control.String()))
		},
		Finish: func(_ string, t *debroot.Tree) error { return finish(o.Base, files, t) },
		Mirror: o.Mirror, Config: o.Config, Reporter: o.Reporter,
	})
	if err != nil {
		return nil, err
	}
	dir = filepath.Join(dir, "root")
	archive, err := archiveOf(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	archive.Root = true
	for _, d := range o.Base.Scratch {
		archive.Add(tarball.File{Name: strings.TrimPrefix(d, "/"), Dir: true, Mode: fs.ModeSticky | 0o777})
	}
	archive.Sort()
	if err := archive.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return &Content{Archive: archive, Dir: dir, Packages: packages, Digest: name}, nil
}

// readFiles returns the contents of the base's templates, and what the base is called in the cache: a name that changes
// with everything that decides what is in it.
func readFiles(o Options) (files [][]byte, name string, err error) {
	h := sha256.New()
	fmt.Fprintf(h, "base %s\n", o.Base.Digest(o.Platform.Debian))
	for _, f := range o.Base.Files {
		data, err := fs.ReadFile(o.Templates, f.Template)
		if err != nil {
			return nil, "", fmt.Errorf("template: %w", err)
		}
		fmt.Fprintf(h, "file %x\n", sha256.Sum256(data))
		files = append(files, data)
	}
	return files, recipe + "-" + hex.EncodeToString(h.Sum(nil)), nil
}

// finish adds what no package has.
func finish(b spec.Base, files [][]byte, t *debroot.Tree) error {
	for _, x := range b.Bundles {
		if err := bundle(x, t); err != nil {
			return err
		}
	}
	for i, f := range b.Files {
		if err := t.Write(own, strings.TrimPrefix(f.To, "/"), files[i]); err != nil {
			return err
		}
	}
	for _, l := range b.Links {
		if err := t.Symlink(own, l.Path, l.To); err != nil {
			return err
		}
	}
	return nil
}

// bundle puts a file together of others, each ended by a line feed as the script of ca-certificates does.
func bundle(x spec.Bundle, t *debroot.Tree) error {
	names, err := t.Match(x.Match)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return hint.Errorf("check the pattern, and whether the files are left out below exclude", "bundle %s: no file matches %q", x.To, x.Match)
	}
	var all bytes.Buffer
	for _, name := range names {
		data, err := t.Read(name)
		if err != nil {
			return err
		}
		all.Write(data)
		if !bytes.HasSuffix(data, []byte("\n")) {
			all.WriteByte('\n')
		}
		if x.Drop {
			if err := t.Remove(name); err != nil {
				return err
			}
		}
	}
	return t.Write(own, strings.TrimPrefix(x.To, "/"), all.Bytes())
}
