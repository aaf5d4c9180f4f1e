package deb

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// An Entry is something that a package installs.
type Entry struct {
	// Path has no slash at its beginning or end, and no "." or ".." in it; "" is the root itself.
	Path string
	// Type is one of the types of archive/tar: TypeReg, TypeDir, TypeSymlink, TypeLink and so on.
	Type byte
	// Executable tells whether the owner may run it.
	Executable bool
	// Size is the number of bytes of a file's contents.
	Size int64
	// Target is where a symbolic link leads, as it is spelled, or what a hard link is another name of, as in Path.
	Target string
}

// ReadEntries is [Read], and calls each for all that the package installs, in the order of the package, with a reader of
// its contents that is good until each returns. The package's identity is known when ReadEntries returns, and whether it
// is whole: what was done with the entries counts for nothing until then. An error of each ends it.
func (p *Reader) ReadEntries(ctx context.Context, r io.Reader, limits Limits, each func(e Entry, contents io.Reader) error) (*Info, error) {
	return p.read(ctx, r, limits, func(r io.Reader, compression string, _ *Info, limits Limits) error {
		return p.readEntries(r, compression, limits, func(h *tar.Header, contents io.Reader) error {
			e := Entry{Path: installed(h.Name), Type: h.Typeflag, Executable: h.Mode&0o100 != 0, Target: h.Linkname}
			switch h.Typeflag {
			case tar.TypeReg:
				if isSparse(h) {
					return fmt.Errorf("tar: %s: is sparse, which packages cannot have (deb(5))", e.Path)
				}
				e.Size = h.Size
			case tar.TypeLink:
				e.Target = installed(h.Linkname)
			}
			if err := each(e, contents); err != nil {
				return fmt.Errorf("%s: %w", e.Path, err)
			}
			return nil
		})
	})
}

// isSparse reports whether a file is longer than what the archive has of it: any length could be made of nothing.
func isSparse(h *tar.Header) bool {
	for name := range h.PAXRecords {
		if strings.HasPrefix(name, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// readEntries unpacks the whole data member.
func (p *decoders) readEntries(r io.Reader, compression string, limits Limits, each func(h *tar.Header, contents io.Reader) error) error {
	plain, err := p.unpackData(r, compression, limits)
	if err != nil {
		return err
	}
	bounded := &bound{r: plain, left: limits.Data, limit: limits.Data}
	entries := tar.NewReader(bounded)
	length := 0
	for count := 0; ; count++ {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("tar: %w", err)
		}
		if count == limits.Files {
			return fmt.Errorf("tar: more than %d entries", limits.Files)
		}
		if length += len(h.Name); length > longestNames {
			return fmt.Errorf("tar: names of more than %d bytes", longestNames)
		}
		if err := each(h, entries); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, bounded); err != nil {
		return fmt.Errorf("after the tar archive: %w", err)
	}
	return nil
}
