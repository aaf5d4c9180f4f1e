package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/gofrs/flock"

	"kubedist/pkg/apt"
	"kubedist/pkg/atomicfile"
)

// directory is a store that is a directory, such as one that a web server serves or that is mounted from elsewhere. It is
// no fileblob: that one neither syncs nor keeps modification times, and two of its writers can both find that an object
// is not there.
type directory struct {
	root string
	mu   sync.Mutex // serialises this process; the flock does so among processes
	left map[string]bool
}

// storeLock guards the moment between looking at an object's version and replacing it.
const storeLock = workDir + "/store.lock"

func newDirectory(root string) *directory { return &directory{root: root, left: map[string]bool{}} }

func (d *directory) path(key string) (string, error) {
	name := filepath.FromSlash(key)
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("%q leaves the directory", key)
	}
	return filepath.Join(d.root, name), nil
}

func versionOf(info fs.FileInfo) string {
	return fmt.Sprintf("%x-%x", info.ModTime().UnixNano(), info.Size())
}

func (d *directory) list(ctx context.Context, each func(object) error) error {
	return filepath.WalkDir(d.root, func(name string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nothing was pushed yet, or someone removed it
		}
		if err != nil {
			return err
		}
		if strings.HasPrefix(e.Name(), atomicfile.Prefix) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.left[filepath.Dir(name)] = true
			return nil
		}
		if !e.Type().IsRegular() {
			return ctx.Err()
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(d.root, name)
		if err != nil {
			return err
		}
		return each(object{key: filepath.ToSlash(rel), size: info.Size(), version: versionOf(info)})
	})
}

// stat reads the file for its digest.
func (d *directory) stat(ctx context.Context, key string) (object, error) {
	f, o, err := d.open(key)
	if err != nil {
		return object{}, err
	}
	defer f.Close()
	o.sha256, err = digest(ctx, f)
	return o, err
}

func (d *directory) open(key string) (*os.File, object, error) {
	name, err := d.path(key)
	if err != nil {
		return nil, object{}, err
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, object{}, errNotFound
	}
	if err != nil {
		return nil, object{}, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", key)
	}
	if err != nil {
		return nil, object{}, errors.Join(err, f.Close())
	}
	return f, object{key: key, size: info.Size(), version: versionOf(info)}, nil
}

func (d *directory) get(_ context.Context, key string, limit int64) ([]byte, object, error) {
	f, o, err := d.open(key)
	if err != nil {
		return nil, object{}, err
	}
	defer f.Close()
	if o.size > limit {
		return nil, object{}, fmt.Errorf("larger than %d bytes", limit)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit))
	return data, o, err
}

func (d *directory) put(ctx context.Context, body io.Reader, o putOptions) (object, error) {
	name, err := d.path(o.key)
	if err != nil {
		return object{}, err
	}
	if err := atomicfile.MkdirAll(filepath.Dir(name)); err != nil {
		return object{}, err
	}
	f, err := atomicfile.Create(name, 0o644)
	if err != nil {
		return object{}, err
	}
	defer f.Abort()
	if _, err := io.Copy(f, newCheckedReader(body, o.size, o.sha256)); err != nil {
		return object{}, atomicfile.Explain(d.root, err)
	}
	if err := ctx.Err(); err != nil {
		return object{}, err
	}
	// Two writers of what never changes write the same; they may sync side by side.
	if !apt.StageOf(o.key).Immutable() {
		unlock, err := d.exclude(ctx)
		if err != nil {
			return object{}, err
		}
		defer unlock()
	}
	is := ""
	if info, err := os.Stat(name); err == nil {
		is = versionOf(info)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return object{}, err
	}
	if is != o.version {
		return object{}, errChanged
	}
	if err := f.Commit(); err != nil {
		return object{}, err
	}
	if !o.modTime.IsZero() {
		if err := os.Chtimes(name, o.modTime, o.modTime); err != nil {
			return object{}, err
		}
	}
	info, err := os.Stat(name)
	if err != nil {
		return object{}, err
	}
	return object{key: o.key, size: o.size, version: versionOf(info), sha256: o.sha256}, nil
}

// exclude keeps other writers, of this process and of others, from replacing anything until the returned function runs.
func (d *directory) exclude(ctx context.Context) (func(), error) {
	d.mu.Lock()
	name := filepath.Join(d.root, filepath.FromSlash(storeLock))
	if err := atomicfile.MkdirAll(filepath.Dir(name)); err != nil {
		d.mu.Unlock()
		return nil, err
	}
	held := flock.New(name, flock.SetPermissions(0o644))
	if _, err := held.TryLockContext(ctx, lockRetry); err != nil {
		d.mu.Unlock()
		return nil, errors.Join(err, held.Close())
	}
	return func() { _ = held.Close(); d.mu.Unlock() }, nil
}

// remove removes the directory with its last file, too.
func (d *directory) remove(_ context.Context, key string) error {
	name, err := d.path(key)
	if err != nil {
		return err
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for dir := filepath.Dir(name); dir != filepath.Clean(d.root) && os.Remove(dir) == nil; {
		dir = filepath.Dir(dir)
	}
	return nil
}

func (d *directory) tidy(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for dir := range d.left {
		if _, err := atomicfile.Clean(dir); err != nil {
			return err
		}
	}
	clear(d.left)
	return nil
}

func (d *directory) close() error { return nil }
