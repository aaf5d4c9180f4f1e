package tarball

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

// An Entry is what List says about one entry of a tarball.
type Entry struct {
	Name   string // as stored, a directory without its final slash
	Type   fs.FileMode
	Mode   fs.FileMode // permission, setuid, setgid and sticky bits
	UID    int
	GID    int
	Owner  string // "USER/GROUP" by name, "" when the tarball names neither
	Size   int64  // bytes
	Time   time.Time
	Link   string // target of a symbolic link
	SHA256 string // lower-case hex, of regular files
}

// String prints the entry like a line of `tar --list --verbose`, in UTC, with a short digest where there is one.
func (e Entry) String() string {
	owner := e.Owner
	if owner == "" {
		owner = fmt.Sprintf("%d/%d", e.UID, e.GID)
	}
	line := fmt.Sprintf("%s %s %d %s %s", e.Type|e.Mode, owner, e.Size, e.Time.UTC().Format(time.RFC3339), e.Name)
	if e.Link != "" {
		line += " -> " + e.Link
	}
	if e.SHA256 != "" {
		line += " " + e.SHA256[:12]
	}
	return line
}

// Limits bound what List takes from a tarball it does not trust. Zero fields stand for the values in parentheses.
type Limits struct {
	Entries int   // number of entries (1,000,000)
	Bytes   int64 // uncompressed size (16 GiB)
}

// ErrLimit is in the chain of the error about a tarball that goes beyond its Limits.
var ErrLimit = errors.New("tarball is larger than allowed")

// List reads a tar.gz to its end and returns its entries in the order they come in. Nothing is written anywhere. A
// tarball that is damaged or ends early is an error, as is an entry that is no file, directory or symbolic link, and
// anything after the end of the gzip stream.
func List(ctx context.Context, r io.Reader, limits Limits) ([]Entry, error) {
	if limits.Entries <= 0 {
		limits.Entries = 1_000_000
	}
	if limits.Bytes <= 0 {
		limits.Bytes = 16 << 30
	}
	zr, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("tarball: %w", err)
	}
	defer zr.Close()
	bounded := &boundedReader{r: zr, left: limits.Bytes}
	tr := tar.NewReader(bounded)
	buffer := make([]byte, 64<<10)
	var entries []Entry
	for {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("tarball after %d entries: %w", len(entries), err)
		}
		if len(entries) == limits.Entries {
			return nil, fmt.Errorf("tarball: more than %d entries: %w", limits.Entries, ErrLimit)
		}
		entry, err := readEntry(ctx, tr, header, buffer)
		if err != nil {
			return nil, fmt.Errorf("tarball entry %q: %w", header.Name, err)
		}
		entries = append(entries, entry)
	}
	// The tar ends before the gzip stream does, whose check sum comes last.
	if _, err := copyUntil(ctx, io.Discard, bounded, buffer); err != nil {
		return nil, fmt.Errorf("tarball after its last entry: %w", err)
	}
	return entries, nil
}

// readEntry reads one entry's content and describes it.
func readEntry(ctx context.Context, tr *tar.Reader, header *tar.Header, buffer []byte) (Entry, error) {
	info := header.FileInfo()
	e := Entry{
		Name: header.Name, Type: info.Mode().Type(), Mode: info.Mode() &^ fs.ModeType,
		UID: header.Uid, GID: header.Gid, Size: header.Size, Time: header.ModTime,
	}
	if header.Uname != "" || header.Gname != "" {
		e.Owner = header.Uname + "/" + header.Gname
	}
	switch header.Typeflag {
	case tar.TypeDir:
		e.Name = strings.TrimSuffix(e.Name, "/")
	case tar.TypeSymlink:
		e.Link = header.Linkname
	case tar.TypeReg:
		h := sha256.New()
		if _, err := copyUntil(ctx, h, tr, buffer); err != nil {
			return Entry{}, err
		}
		e.SHA256 = hex.EncodeToString(h.Sum(nil))
	default:
		return Entry{}, fmt.Errorf("type %q is neither file, directory nor symbolic link", header.Typeflag)
	}
	return e, nil
}

// A boundedReader fails with ErrLimit once more than left bytes were read.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrLimit
	}
	// One byte more than allowed tells a tarball that just fits from one that does not.
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, ErrLimit
	}
	return n, err
}
