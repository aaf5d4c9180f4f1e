package published

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"kubedist/pkg/checksum"
	"kubedist/pkg/hint"
	"kubedist/pkg/yamlfile"
)

// Read reads the checksums at name, whose form its name tells: *.yml and *.yaml are Kubespray's, *.sha256 is that of one
// program whose path ends in OS/ARCH/NAME.sha256, a directory holds such files or a SHA256SUMS or both, and any other
// file is a SHA256SUMS. Nothing outside of a directory is read, whatever links are inside. That none of the checksums is
// of a program is an error.
func Read(ctx context.Context, name string, o Options) (*Checksums, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("published checksums: %w", err)
	}
	var c *Checksums
	switch ext := filepath.Ext(name); {
	case info.IsDir():
		c, err = readDir(ctx, name, o)
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s: not a regular file", name)
	case ext == sumSuffix:
		c, err = readSum(name, o)
	case ext == ".yml" || ext == ".yaml":
		c, err = readYAML(name, o)
	default:
		c, err = readSums(name, o)
	}
	if err != nil {
		return nil, err
	}
	if len(c.Entries) == 0 {
		return nil, hint.Errorf("give a SHA256SUMS, a directory of OS/ARCH/NAME.sha256, or Kubespray's checksums.yml",
			"%s: no checksum of a program that a release has: %w", name, ErrFormat)
	}
	return c, nil
}

func readYAML(name string, o Options) (*Checksums, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := yamlfile.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return ParseKubespray(name, data, o)
}

// readSums reads a list on its own: the paths in it are not those of files beside it.
func readSums(name string, o Options) (*Checksums, error) {
	data, err := readFile(name, maxList)
	if err != nil {
		return nil, err
	}
	c, err := ParseSums(name, data, o)
	if err != nil {
		return nil, err
	}
	for i := range c.Entries {
		c.Entries[i].File = ""
	}
	return c, nil
}

// readFile reads all of a file that is no longer than limit bytes.
func readFile(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return bounded(name, f, limit)
}

// readSum reads a NAME.sha256 on its own, and looks for the program beside it.
func readSum(name string, o Options) (*Checksums, error) {
	whole, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	e, ok := o.ofPath(strings.TrimSuffix(filepath.ToSlash(whole), sumSuffix))
	if !ok {
		return nil, hint.Errorf("keep it as it is published, in OS/ARCH/NAME"+sumSuffix, "%s: its path names no platform: %w", name, ErrFormat)
	}
	data, err := readFile(name, maxSumFile)
	if err != nil {
		return nil, err
	}
	if e.SHA256, err = ParseSum(name, data); err != nil {
		return nil, err
	}
	e.Place = name
	beside := strings.TrimSuffix(name, sumSuffix)
	if info, err := os.Lstat(beside); err == nil && info.Mode().IsRegular() {
		e.File = beside
	}
	return collect([]Entry{e})
}

// readDir reads the SHA256SUMS of a directory and all NAME.sha256 below it.
func readDir(ctx context.Context, dir string, o Options) (*Checksums, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	d := &directory{name: dir, files: root.FS(), options: o}
	if err := d.list(); err != nil {
		return nil, err
	}
	err = fs.WalkDir(d.files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		if d.seen++; d.seen > maxFiles {
			return fmt.Errorf("%s: more than %d files: %w", dir, maxFiles, ErrFormat)
		}
		if entry.Type().IsRegular() && strings.HasSuffix(name, sumSuffix) {
			return d.sum(name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return collect(d.entries)
}

// directory is what a directory was found to hold.
type directory struct {
	name    string
	files   fs.FS
	options Options
	seen    int
	entries []Entry
}

func (d *directory) path(name string) string { return filepath.Join(d.name, filepath.FromSlash(name)) }

// list takes the SHA256SUMS, if there is one.
func (d *directory) list() error {
	data, err := d.read(checksum.SHA256.FileName(), maxList)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := ParseSums(d.path(checksum.SHA256.FileName()), data, d.options)
	if err != nil {
		return err
	}
	for _, e := range c.Entries {
		e.File = d.program(e.File)
		d.entries = append(d.entries, e)
	}
	return nil
}

// sum takes a NAME.sha256. What is not below OS/ARCH is the checksum of a tarball or the like.
func (d *directory) sum(name string) error {
	program := strings.TrimSuffix(name, sumSuffix)
	whole, err := filepath.Abs(d.name)
	if err != nil {
		return err
	}
	// The directory itself may be linux, or linux/amd64.
	e, ok := d.options.ofPath(path.Join(filepath.ToSlash(whole), program))
	if inside, found := d.options.ofPath(program); found {
		inside.Version = cmp.Or(inside.Version, e.Version)
		e, ok = inside, true
	}
	if !ok {
		return nil
	}
	data, err := d.read(name, maxSumFile)
	if err != nil {
		return err
	}
	if e.SHA256, err = ParseSum(d.path(name), data); err != nil {
		return err
	}
	e.Place, e.File = d.path(name), d.program(program)
	d.entries = append(d.entries, e)
	return nil
}

// program is the path of a program inside, empty when it is not there.
func (d *directory) program(name string) string {
	if info, err := fs.Lstat(d.files, name); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return d.path(name)
}

func (d *directory) read(name string, limit int64) ([]byte, error) {
	f, err := d.files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.name, err)
	}
	defer f.Close()
	return bounded(d.path(name), f, limit)
}
