package release

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/checksum"
	"kubedist/pkg/deb"
	"kubedist/pkg/ledger"
	"kubedist/pkg/source"
	"kubedist/pkg/spec"
)

// content is one file of a package with the digest that stands for it in the step's key.
type content struct {
	file   deb.File
	digest string
}

// pkg writes one .deb, unless it is there already.
func (r *run) pkg(ctx context.Context, p Platform, planned Package, programs []built) error {
	tree := r.trees[planned.Spec.Source]
	documents, err := r.documents.wait(ctx)
	if err != nil {
		return err
	}
	var from []string
	x := &expander{run: r, planned: planned, tree: tree, programs: programs, documents: documents}
	var contents []content
	for _, c := range planned.Spec.Contents {
		files, err := x.content(ctx, c)
		if err != nil {
			return fmt.Errorf("package %s: %w", planned.Name, err)
		}
		contents = append(contents, files...)
		if c.Binary != "" {
			for _, b := range programs {
				if b.program.Binary == c.Binary {
					from = append(from, b.file.Path)
				}
			}
		}
	}
	d := r.described(planned)
	if d.Scripts, err = x.scripts(); err != nil {
		return fmt.Errorf("package %s: %w", planned.Name, err)
	}
	key := packageKey(d, contents, r.Compression, r.Signer.Fingerprint())
	for _, c := range contents {
		d.Files = append(d.Files, c.file)
	}
	dest := filepath.Join(r.Dir(), "debs", planned.File())
	file, err := r.once(ctx, "package "+planned.File(), key, dest, func(w io.Writer) error {
		return deb.Write(ctx, w, d, deb.Options{Compression: r.Compression, TempDir: r.temp(), Sign: func(ctx context.Context, message io.Reader, at time.Time) ([]byte, error) {
			return r.Signer.Detached(ctx, message, signingTime(at, r.Signer))
		}})
	})
	if err != nil {
		return fmt.Errorf("package %s: %w", planned.Name, err)
	}
	r.artifacts.add(Artifact{Kind: Deb, Name: planned.Name, Version: planned.Version, Platform: p.Name, Source: planned.Spec.Source, From: from}, file)
	return nil
}

// described is a package without its files and scripts: all that its control paragraph tells.
func (r *run) described(planned Package) deb.Package {
	return deb.Package{
		Name: planned.Name, Version: planned.Version, Architecture: planned.Architecture, Maintainer: r.Maintainer,
		Section: planned.Spec.Section, Priority: planned.Spec.Priority, Homepage: planned.Spec.Homepage,
		Summary: planned.Spec.Summary, Description: planned.Spec.Description,
		Depends: planned.Relations.Depends, Recommends: planned.Relations.Recommends, Suggests: planned.Relations.Suggests,
		Conflicts: planned.Relations.Conflicts, Replaces: planned.Relations.Replaces, Provides: planned.Relations.Provides,
		Time: r.trees[planned.Spec.Source].Stamp.BuildDate,
	}
}

// packageKey digests all that decides the bytes of a package. Where its files come from is no part of it.
func packageKey(d deb.Package, contents []content, compression deb.Compression, signer string) string {
	d.Files = nil
	for _, c := range contents {
		f := c.file
		f.Source, f.Data = "", nil
		d.Files = append(d.Files, f)
	}
	digests := make([]string, len(contents))
	for i, c := range contents {
		digests[i] = c.digest
	}
	return ledger.Key("package", formats(), d, digests, compression, signer)
}

// once writes dest by fill, when a core is free for it, unless the ledger knows that step wrote it from key.
func (r *run) once(ctx context.Context, step, key, dest string, fill func(io.Writer) error) (ledger.File, error) {
	if files, ok := r.ledger.Fresh(ctx, step, key, dest); ok {
		return files[0], nil
	}
	r.worked.Store(true)
	if err := r.writeFile(ctx, dest, fill); err != nil {
		return ledger.File{}, err
	}
	files, err := r.ledger.Record(ctx, step, key, []string{dest})
	if err != nil {
		return ledger.File{}, err
	}
	return files[0], nil
}

// writeFile writes a file of the release by fill, when a core is free for it.
func (r *run) writeFile(ctx context.Context, dest string, fill func(io.Writer) error) error {
	if err := r.writers.Acquire(ctx, 1); err != nil {
		return err
	}
	defer r.writers.Release(1)
	if err := atomicfile.MkdirAll(filepath.Dir(dest)); err != nil {
		return err
	}
	return atomicfile.Write(dest, 0o644, fill)
}

// expander turns what the spec says of a package's contents into files.
type expander struct {
	run       *run
	planned   Package
	tree      *source.Tree
	programs  []built
	documents map[string][]ledger.File
}

func (x *expander) content(ctx context.Context, c spec.Content) ([]content, error) {
	switch {
	case c.Dir != "":
		return []content{{file: deb.File{Path: c.Dir, Dir: true, Mode: 0o755}}}, nil
	case c.Binary != "":
		return x.binary(c)
	case c.Document != "":
		return x.document(c)
	case c.Template != "":
		text, err := x.template(c.Template)
		if err != nil {
			return nil, err
		}
		return x.data(c, c.Template, text)
	}
	name := filepath.Join(x.tree.Dir, filepath.FromSlash(c.Tree))
	sum, err := checksum.File(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("%s of the source tree: %w", c.Tree, err)
	}
	return []content{{deb.File{Path: target(c, c.Tree), Mode: 0o644, Source: name, Config: c.Config}, sum.SHA256}}, nil
}

func (x *expander) binary(c spec.Content) ([]content, error) {
	var list []content
	for _, b := range x.programs {
		if b.program.Binary == c.Binary {
			name := filepath.Join(x.run.Dir(), filepath.FromSlash(b.file.Path))
			list = append(list, content{deb.File{Path: target(c, b.program.Name), Mode: 0o755, Source: name}, b.file.SHA256})
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("program %s was not built", c.Binary)
	}
	return list, nil
}

func (x *expander) document(c spec.Content) ([]content, error) {
	var list []content
	for _, f := range x.documents[c.Document] {
		name := path.Base(f.Path)
		if c.Files != "" {
			if ok, err := path.Match(c.Files, name); err != nil || !ok {
				continue
			}
		}
		data, err := os.ReadFile(filepath.Join(x.run.Dir(), filepath.FromSlash(f.Path)))
		if err != nil {
			return nil, err
		}
		files, err := x.data(c, name, data)
		if err != nil {
			return nil, err
		}
		list = append(list, files...)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("document %s has no file that matches %q", c.Document, c.Files)
	}
	return list, nil
}

// data makes a file of bytes in memory, compressed where c says so.
func (x *expander) data(c spec.Content, name string, data []byte) ([]content, error) {
	sum := sha256.Sum256(data)
	file := deb.File{Path: target(c, name), Mode: 0o644, Data: data, Config: c.Config}
	if c.Gzip {
		packed, err := x.run.gzip(sum, data)
		if err != nil {
			return nil, err
		}
		file.Path, file.Data = file.Path+".gz", packed
	}
	return []content{{file, hex.EncodeToString(sum[:])}}, nil
}

// gzip compresses a file for packages. What has been compressed, such as a manual page that every architecture has, is not
// compressed again.
func (r *run) gzip(sum [sha256.Size]byte, data []byte) ([]byte, error) {
	if packed, ok := r.packed.Load(sum); ok {
		return packed.([]byte), nil
	}
	packed, err := deb.Gzip(data)
	if err != nil {
		return nil, err
	}
	r.packed.Store(sum, packed)
	return packed, nil
}

func (x *expander) template(name string) ([]byte, error) {
	text, err := fs.ReadFile(x.run.Templates, name)
	if err != nil {
		return nil, err
	}
	expanded, err := expand(string(text), x.fields())
	if err != nil {
		return nil, fmt.Errorf("templates/%s: %w", name, err)
	}
	return []byte(expanded), nil
}

// fields is what templates of packages may use; templates/README.md lists it.
func (x *expander) fields() map[string]any {
	source, _ := x.run.Spec.Source(x.planned.Spec.Source)
	return map[string]any{
		"Package": x.planned.Name, "Version": x.tree.Stamp.Version, "DebianVersion": x.planned.Version,
		"Architecture": x.planned.Architecture, "Maintainer": x.run.Maintainer, "Summary": x.planned.Spec.Summary,
		"Homepage": x.planned.Spec.Homepage, "Source": source.Name, "Module": source.Module,
		"Time": x.tree.Stamp.BuildDate, "Date": x.tree.Stamp.BuildDate.Format(time.RFC1123Z),
	}
}

func (x *expander) scripts() (deb.Scripts, error) {
	var s deb.Scripts
	for _, script := range []struct {
		name string
		to   *[]byte
	}{
		{x.planned.Spec.Scripts.Preinst, &s.Preinst}, {x.planned.Spec.Scripts.Postinst, &s.Postinst},
		{x.planned.Spec.Scripts.Prerm, &s.Prerm}, {x.planned.Spec.Scripts.Postrm, &s.Postrm},
	} {
		if script.name == "" {
			continue
		}
		text, err := x.template(script.name)
		if err != nil {
			return s, err
		}
		*script.to = text
	}
	return s, nil
}

// target is the path inside the package of a file called name.
func target(c spec.Content, name string) string {
	if strings.HasSuffix(c.To, "/") {
		return c.To + path.Base(name)
	}
	return c.To
}
