package apt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"kubedist/pkg/page"
)

// SyncOrder is what has to be copied to make or refresh a mirror, in the order in which it must arrive there. Paths are
// relative to the archive's root and sorted.
type SyncOrder struct {
	// First are the files that others name: packages, contents of indices under by-hash, the keyring. None of them ever
	// changes, but for the keyring, which clients must have before anything is signed with what it has new.
	First []string
	// Second are the files that name others: Release files, indices under their canonical names, pages, the trace. When
	// they arrive, all that they name is there.
	Second []string
}

// ListSyncOrder lists an archive's files in the order in which a mirror must get them. It takes no lock. A publishing
// between the copying of the two stages leads clients of the mirror to files that it does not have yet; where that can
// happen, [Freeze] makes a copy of the second stage beforehand.
func ListSyncOrder(ctx context.Context, root string) (*SyncOrder, error) {
	o := &SyncOrder{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name != root {
			return nil // what is pruned meanwhile is not needed
		}
		if err != nil {
			return err
		}
		if name != root && hidden(d.Name()) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel = filepath.ToSlash(rel)
		// The list has a line for each file, and rsync takes one that begins like this for a comment.
		if strings.ContainsAny(rel, "\r\n") || rel[0] == '#' || rel[0] == ';' {
			return fmt.Errorf("file %q: its name cannot stand in a list", rel)
		}
		if namesOthers(rel) {
			o.Second = append(o.Second, rel)
		} else {
			o.First = append(o.First, rel)
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return o, nil
}

// namesOthers reports whether a file belongs to the second stage. What is not known to be named by others does.
func namesOthers(name string) bool {
	base := path.Base(name)
	switch {
	case base == page.IndexFile:
		return true
	case strings.HasPrefix(name, poolDir+"/"), strings.Contains(name, "/by-hash/"), name == keyringBinary, name == keyringArmored:
		return false
	case strings.Contains(base, ".tar."): // of a source package
		return false
	}
	switch path.Ext(base) {
	case ".deb", ".udeb", ".ddeb", ".dsc":
		return false
	}
	return true
}
