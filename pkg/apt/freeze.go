package apt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/hint"
	"kubedist/pkg/wait"
)

const (
	// freezeTries bounds how often freezing starts again because the archive is being published, freezeWait is the time
	// between two tries. What a publishing changes of what clients see takes far less than the product.
	freezeTries = 200
	freezeWait  = 50 * time.Millisecond
)

// Freeze makes a copy of an archive's files of the second stage in a directory, which must be empty or missing, and
// returns what is in it and what has to be copied before. All of the copy belongs together, and nothing in it changes:
// so a mirror that first gets order.First from the archive and then the copy is whole whatever is published meanwhile,
// for as long as the contents that its indices name stay under by-hash, which is the definition's number of generations.
//
// Freeze takes no lock: when it meets a publishing half-way, it starts again. The files are no hard links, for an index
// that is replaced is dated anew under by-hash, and a mirror would take it for the one that replaced it.
func Freeze(ctx context.Context, root, dir string) (*SyncOrder, error) {
	if err := atomicfile.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("freezing: %w", err)
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("freezing: %w", err)
	}
	if len(names) > 0 {
		return nil, hint.Errorf("name a new one", "directory %s: not empty", dir)
	}
	for try := 0; ; try++ {
		order, err := freeze(ctx, root, dir)
		if err == nil || !errors.Is(err, errMoving) {
			return order, err
		}
		if try == freezeTries {
			return nil, hint.With(err, "finish an interrupted publishing with: kubedist repo publish")
		}
		if err := empty(dir); err != nil {
			return nil, fmt.Errorf("freezing: %w", err)
		}
		if err := wait.For(ctx, freezeWait); err != nil {
			return nil, err
		}
	}
}

// errMoving is the error about an archive whose files do not belong together at this moment.
var errMoving = errors.New("archive: it is being published")

// freeze tries once.
func freeze(ctx context.Context, root, dir string) (*SyncOrder, error) {
	order, err := ListSyncOrder(ctx, root)
	if err != nil {
		return nil, err
	}
	made := map[string]bool{}
	for _, name := range order.Second {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if parent := filepath.Dir(to); !made[parent] {
			if err := atomicfile.MkdirAll(parent); err != nil {
				return nil, fmt.Errorf("freezing: %w", err)
			}
			made[parent] = true
		}
		err := copyDated(filepath.Join(root, filepath.FromSlash(name)), to)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errMoving // it was there a moment ago
		}
		if err != nil {
			return nil, fmt.Errorf("freezing: %w", err)
		}
	}
	for _, name := range order.Second {
		if path.Base(name) == "InRelease" && !strings.HasPrefix(name, snapshotsDir+"/") { // those do not change
			if err := together(ctx, root, dir, path.Dir(name)); err != nil {
				return nil, err
			}
		}
	}
	// What is published by now is all there, which it may not have been when the first list was made.
	later, err := ListSyncOrder(ctx, root)
	if err != nil {
		return nil, err
	}
	order.First = later.First
	return order, nil
}

// together reports errMoving unless the files of a suite that were copied are those that its InRelease names, and all
// that it names is in the archive still.
func together(ctx context.Context, root, dir, suite string) error {
	signed, err := os.ReadFile(filepath.Join(dir, suite, "InRelease"))
	if err != nil {
		return fmt.Errorf("freezing: %w", err)
	}
	text, err := signedText(signed)
	if err != nil {
		return fmt.Errorf("%s/InRelease: %w", suite, err)
	}
	plain, err := os.ReadFile(filepath.Join(dir, suite, "Release"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("freezing: %w", err)
	}
	if !bytes.Equal(plain, text) {
		return errMoving
	}
	r, err := ParseRelease(text)
	if err != nil {
		return fmt.Errorf("%s/InRelease: %w", suite, err)
	}
	for _, f := range r.Files {
		if r.AcquireByHash {
			if _, err := os.Stat(filepath.Join(root, suite, filepath.FromSlash(byHash(f.Path, f.SHA256)))); err != nil {
				return errMoving
			}
		}
		digest, size, err := hashFile(ctx, filepath.Join(dir, suite, filepath.FromSlash(f.Path)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("freezing: %w", err)
		}
		if err != nil || size != f.Size || digest != f.SHA256 {
			return errMoving
		}
	}
	return nil
}

// copyDated copies a file with its date.
func copyDated(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close(), os.Chtimes(to, info.ModTime(), info.ModTime()))
}

// empty removes what is in a directory.
func empty(dir string) error {
	names, err := os.ReadDir(dir)
	for _, n := range names {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, n.Name())))
	}
	return err
}
