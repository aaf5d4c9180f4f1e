package apt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"kubedist/pkg/deb"
	"kubedist/pkg/hint"
)

// readPackage is a package that was read, and its copy in the making.
type readPackage struct {
	path  string
	entry *entry // as it would be listed; the rest of what was read is let go, for there may be many
	temp  string // "" when there was a file of that name and size in the pool, so that no copy was made
	fresh bool   // the pool has no file of that name
}

// readAll reads packages side by side.
func (t *Transaction) readAll(ctx context.Context, paths []string, o AddOptions) ([]readPackage, error) {
	if o.Jobs <= 0 {
		o.Jobs = runtime.GOMAXPROCS(0)
	}
	read := make([]readPackage, len(paths))
	workers, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range min(o.Jobs, len(paths)) {
		workers.Go(func() error {
			reader := &deb.Reader{}
			for {
				i := int(next.Add(1)) - 1
				if i >= len(paths) {
					return nil
				}
				var err error
				if read[i], err = t.read(ctx, reader, paths[i], o); err != nil {
					return fmt.Errorf("package %s: %w", paths[i], err)
				}
			}
		})
	}
	return read, workers.Wait()
}

// read reads a package and copies it on the way, unless the pool seems to have it: that shows by name and size, and is
// made sure of by digest later.
func (t *Transaction) read(ctx context.Context, reader *deb.Reader, name string, o AddOptions) (readPackage, error) {
	size, err := sizeOf(name, true)
	if err != nil {
		return readPackage{}, err
	}
	if size < 0 { // opening a named pipe would wait for its other end
		return readPackage{}, errors.New("not a regular file")
	}
	src, err := openFile(name, os.O_RDONLY, 0)
	if err != nil {
		return readPackage{}, err
	}
	defer src.Close()
	base := filepath.Base(name)
	at, fresh := "", false // its path in the pool, if the file has the name that it should have; nothing is there
	if guess, _, found := strings.Cut(base, "_"); found && deb.CheckName(guess) == nil {
		at = poolPath(o.Component, guess, base)
		switch t.pooledSize(at) {
		case -1:
			fresh = true
		case size:
			info, err := t.readDeb(ctx, reader, src)
			if err != nil {
				return readPackage{}, err
			}
			t.noteFiles(info)
			if deb.Name(info) == base {
				e, err := newEntry(info, at, t.scratch)
				return readPackage{path: name, entry: e}, err
			}
			again, err := openFile(name, os.O_RDONLY, 0)
			if err != nil {
				return readPackage{}, err
			}
			defer again.Close()
			src = again
		}
	}
	dst, temp, err := t.disk.temp()
	if err != nil {
		return readPackage{}, err
	}
	info, err := t.readAndCopy(ctx, reader, src, dst)
	if err := errors.Join(err, dst.Close()); err != nil {
		return readPackage{}, errors.Join(err, removeIfThere(t.disk.path(temp)))
	}
	if err := checkFileName(base, info, t.tree.def); err != nil {
		return readPackage{}, err
	}
	t.noteFiles(info)
	if deb.Name(info) != base {
		at, fresh = poolPath(o.Component, info.Package, deb.Name(info)), false
	}
	e, err := newEntry(info, at, t.scratch)
	return readPackage{path: name, entry: e, temp: temp, fresh: fresh}, err
}

// readAndCopy reads a package and copies it, in one pass. An error of dst is told as such, and not as one of the package.
func (t *Transaction) readAndCopy(ctx context.Context, reader *deb.Reader, src io.Reader, dst io.Writer) (*deb.Info, error) {
	copied := &copying{src: src, dst: dst}
	info, err := t.readDeb(ctx, reader, copied)
	if copied.err != nil {
		return nil, fmt.Errorf("copying into the archive: %w", copied.err)
	}
	return info, err
}

// copying writes to dst what is read from src, and keeps the error of writing apart.
type copying struct {
	src io.Reader
	dst io.Writer
	err error
}

func (c *copying) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	if n > 0 {
		if _, c.err = c.dst.Write(p[:n]); c.err != nil {
			return 0, c.err
		}
	}
	return n, err
}

// checkFileName refuses a package whose file name names another architecture than its control paragraph.
func checkFileName(base string, info *deb.Info, d *Definition) error {
	stem, isDeb := strings.CutSuffix(base, ".deb")
	parts := strings.Split(stem, "_")
	if !isDeb || len(parts) != 3 {
		return nil
	}
	if named := parts[2]; named != info.Architecture && (named == "all" || slices.Contains(d.Architectures, named)) {
		return hint.Errorf("rename the file if its control paragraph is right",
			"control: architecture is %s, the file's name says %s", info.Architecture, named)
	}
	return nil
}
