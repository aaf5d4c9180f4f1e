package apt

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// poolFile is what the indices say about a file in the pool.
type poolFile struct {
	name   string
	index  string // the first that lists it
	size   int64
	sha256 string
	twin   *poolFile // of the same package, under another name; nil when there is none
}

// indices checks every file that a Release lists, under both its names, and reads the Packages among them. In a flat
// directory these name files relative to it.
func (v *verifier) indices(dir string, r *Release, flat bool) {
	for _, f := range r.Files {
		v.report.Indices++
		name := path.Join(dir, f.Path)
		data, info, ok := v.read(name)
		if ok && !f.matches(data) {
			v.found(name, "is not the file that InRelease names, with SHA-256 %s", f.SHA256)
			ok = false
		}
		if r.AcquireByHash {
			hashed := path.Join(dir, byHash(f.Path, f.SHA256))
			// The two are most often one file.
			if other, err := v.root.Stat(hashed); err != nil || !ok || !os.SameFile(info, other) {
				if copied, _, there := v.read(hashed); there && !f.matches(copied) {
					v.found(hashed, "its contents are not those of its name")
				}
			}
		}
		stem, compression := splitForm(f.Path)
		plain, listed := r.File(stem)
		if !listed {
			v.found(name, "the plain form is not listed, so apt would not fetch it")
			continue
		}
		if !ok {
			continue
		}
		if text, err := unpackIndex(data, compression); err != nil {
			v.found(name, "%v", err)
		} else if !plain.matches(text) {
			v.found(name, "does not unpack to the plain form")
		} else if compression == "" {
			v.text(name, string(text), flat)
		}
	}
}

// splitForm takes the compression off the name of a listed file.
func splitForm(name string) (plain, compression string) {
	switch ext := path.Ext(name); ext {
	case ".gz", ".xz", ".zst":
		return strings.TrimSuffix(name, ext), ext[1:]
	}
	return name, ""
}

// text looks into the plain form of a listed file.
func (v *verifier) text(name, text string, flat bool) {
	switch path.Base(name) {
	case "Packages":
		v.index(name, text, flat)
	case "Sources":
		v.sources(name, text)
	}
}

// sources notes what an index of source packages lists.
func (v *verifier) sources(name, text string) {
	sources, err := parseSources(text)
	if err != nil {
		v.found(name, "%v", err)
		return
	}
	for _, s := range sources {
		for _, f := range s.files {
			if other := v.pool[f.path]; other == nil {
				v.pool[f.path] = &poolFile{name: f.path, index: name, size: f.size, sha256: f.sha256}
			} else if other.sha256 != f.sha256 {
				v.found(name, "source package %s %s: %s has SHA-256 %s here and %s in %s", s.name, s.version, f.path, f.sha256, other.sha256, other.index)
			}
		}
	}
}

// index notes what an index lists, and finds packages with two contents.
func (v *verifier) index(name, text string, flat bool) {
	base, check := "", checkPoolPath
	if flat {
		base, check = path.Dir(name), checkFlatPath
	}
	entries, err := parsePackagesOf(text, check)
	if err != nil {
		v.found(name, "%v", err)
		return
	}
	for i := range entries {
		e := &entries[i]
		e.share() // and so lets go of the text
		at := path.Join(base, e.filename)
		file := &poolFile{name: at, index: name, size: e.size, sha256: e.sha256, twin: v.packages[e.key()]}
		for _, other := range []*poolFile{v.pool[at], v.packages[e.key()]} {
			if other != nil && other.sha256 != e.sha256 {
				v.found(name, "%s %s (%s) has SHA-256 %s here and %s in %s", e.name, e.version, e.arch, e.sha256, other.sha256, other.index)
			}
		}
		if v.pool[at] == nil {
			v.pool[at] = file
		}
		if v.packages[e.key()] == nil {
			v.packages[e.key()] = file
		}
	}
}

// poolFiles reads every listed package.
func (v *verifier) poolFiles(ctx context.Context) error {
	names := slices.Sorted(maps.Keys(v.pool))
	problems := make([]string, len(names))
	workers, ctx := errgroup.WithContext(ctx)
	if workers.SetLimit(v.options.Jobs); v.options.Jobs <= 0 {
		workers.SetLimit(runtime.GOMAXPROCS(0))
	}
	for i, name := range names {
		workers.Go(func() error {
			problems[i] = v.poolFile(ctx, v.pool[name])
			return ctx.Err()
		})
	}
	if err := workers.Wait(); err != nil {
		return err
	}
	for i, name := range names {
		if strings.HasPrefix(name, poolDir+"/") {
			v.report.Packages++
			v.report.Bytes += v.pool[name].size
		}
		if problems[i] != "" {
			v.found(name, "%s", problems[i])
		}
	}
	return nil
}

// poolFile says what is wrong with one file, "" when nothing is.
func (v *verifier) poolFile(ctx context.Context, want *poolFile) string {
	info, err := v.root.Stat(want.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "missing; listed in " + want.index
	case err != nil:
		return reason(err).Error()
	case !info.Mode().IsRegular():
		return "not a regular file"
	case info.Size() != want.size:
		return "its size is not what " + want.index + " says"
	}
	if twin := want.twin; twin != nil && twin.name != want.name && twin.sha256 == want.sha256 {
		if other, err := v.root.Stat(twin.name); err == nil && os.SameFile(info, other) {
			return "" // read under its other name
		}
	}
	digest, _, err := hashFile(ctx, filepath.Join(v.root.Name(), filepath.FromSlash(want.name)))
	switch {
	case err != nil:
		return reason(err).Error()
	case digest != want.sha256:
		return "its SHA-256 is " + digest + "; " + want.index + " says " + want.sha256
	}
	return ""
}
