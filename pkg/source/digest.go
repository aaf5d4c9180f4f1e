package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// contentDigest is the digest of the files below dir: over the sorted lines "SHA256  MODE  NAME" of all of them, much
// like the h1: sums of modules (golang.org/x/mod/sumdb/dirhash) but with the executable bit and with symbolic links,
// which modules have not. Files that isSource does not take for source are left out, and no others.
func contentDigest(ctx context.Context, dir string) (string, error) {
	whole := sha256.New()
	// WalkDir goes in lexical order, directory by directory, so the order is the same everywhere.
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		below, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		below = filepath.ToSlash(below)
		if !isSource(below) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		mode, sum, err := fileDigest(name, entry)
		if err != nil || mode == "" {
			return err
		}
		fmt.Fprintf(whole, "%s  %s  %q\n", sum, mode, below)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("reading the tree: %w", err)
	}
	return "files " + hex.EncodeToString(whole.Sum(nil)), nil
}

// fileDigest returns the digest of a file's bytes or of a link's target. The mode is "" for what has no content.
func fileDigest(name string, entry fs.DirEntry) (mode, sum string, err error) {
	switch {
	case entry.IsDir():
		return "", "", nil
	case entry.Type() == fs.ModeSymlink:
		target, err := os.Readlink(name)
		return "link", fmt.Sprintf("%x", sha256.Sum256([]byte(target))), err
	case !entry.Type().IsRegular():
		return "", "", fmt.Errorf("%s is neither file, directory nor link", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", "", err
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", "", err
	}
	mode = "file"
	if info.Mode()&0o100 != 0 {
		mode = "exec"
	}
	return mode, hex.EncodeToString(h.Sum(nil)), nil
}

// directoryDigest is the digest of a tree in a directory, given what identifies its content.
func directoryDigest(content, goVersion string) string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "kubedist tree in a directory, recipe %d\ngo %s\n%s\n", recipe, goVersion, content)))
}
