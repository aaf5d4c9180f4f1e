package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/ocilayout"
)

// Layout is an OCI image layout in a directory: blobs named by their digests, and index.json, which says what they are
// called. Its methods may be called from several goroutines at once. Several processes may write blobs into one layout,
// for no blob is ever changed, but only one may write index.json.
//
// A blob that is there already is used, not written again, and its times stay as they are. It is used when this Layout
// wrote it or read it whole and found it right, and its size and times are still those; else it is read once more.
// One that is damaged is replaced.
type Layout struct {
	dir string

	mu    sync.Mutex
	blobs map[v1.Hash]*blob
}

// blob is what a Layout knows of one blob.
type blob struct {
	mu    sync.Mutex  // held while the blob is looked at and put in place
	known fs.FileInfo // of the file whose content was right
}

// NewLayout returns the layout in a directory, which need not exist: it is made when something is written.
func NewLayout(dir string) *Layout {
	return &Layout{dir: dir, blobs: map[v1.Hash]*blob{}}
}

// Dir is the directory of the layout.
func (l *Layout) Dir() string { return l.dir }

// Path is where the blob with a digest lies, if it is there.
func (l *Layout) Path(digest v1.Hash) string {
	return filepath.Join(l.dir, filepath.FromSlash(ocilayout.File(digest)))
}

// read is the layout as it is read.
func (l *Layout) read() ocilayout.Layout { return ocilayout.Layout(l.dir) }

// blob returns the record of a blob.
func (l *Layout) blob(digest v1.Hash) *blob {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.blobs[digest]
	if b == nil {
		b = &blob{}
		l.blobs[digest] = b
	}
	return b
}

// write makes a blob of what fill writes. A failed fill leaves nothing behind.
func (l *Layout) write(ctx context.Context, fill func(io.Writer) error) (v1.Hash, int64, error) {
	f, err := l.create()
	if err != nil {
		return v1.Hash{}, 0, err
	}
	defer f.Abort()
	sum := newDigester(f)
	if err := fill(sum); err != nil {
		return v1.Hash{}, 0, atomicfile.Explain(l.dir, err)
	}
	digest := sum.digest()
	b := l.blob(digest)
	b.mu.Lock()
	defer b.mu.Unlock()
	if good, err := l.good(ctx, b, digest, sum.size); good || err != nil {
		return digest, sum.size, err
	}
	return digest, sum.size, l.commit(f, b, digest)
}

// ensure makes the blob with a digest and a size of what open gives, unless it is there. Of those who want the same blob
// at the same time one writes it.
func (l *Layout) ensure(ctx context.Context, digest v1.Hash, size int64, open func() (io.ReadCloser, error)) error {
	b := l.blob(digest)
	b.mu.Lock()
	defer b.mu.Unlock()
	if good, err := l.good(ctx, b, digest, size); good || err != nil {
		return err
	}
	content, err := open()
	if err != nil {
		return fmt.Errorf("blob %s: %w", digest, err)
	}
	defer content.Close()
	f, err := l.create()
	if err != nil {
		return err
	}
	defer f.Abort()
	sum := newDigester(f)
	// One byte more tells content of the right size from content that is longer.
	if err := copyUntil(ctx, sum, io.LimitReader(content, size+1)); err != nil {
		return atomicfile.Explain(l.dir, fmt.Errorf("blob %s: %w", digest, err))
	}
	if sum.size != size || sum.digest() != digest {
		return fmt.Errorf("blob %s of %d bytes: got %s of %d bytes: %w", digest, size, sum.digest(), sum.size, ocilayout.ErrDamaged)
	}
	return l.commit(f, b, digest)
}

// ensureBytes is ensure for content in memory.
func (l *Layout) ensureBytes(ctx context.Context, content []byte) (v1.Hash, error) {
	sum := newDigester(io.Discard)
	_, _ = sum.Write(content) // hashes and io.Discard take everything
	return sum.digest(), l.ensure(ctx, sum.digest(), int64(len(content)), func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	})
}

// create begins a blob whose digest is not known yet.
func (l *Layout) create() (*atomicfile.File, error) {
	dir := filepath.Join(l.dir, "blobs", "sha256")
	if err := atomicfile.MkdirAll(dir); err != nil {
		return nil, err
	}
	return atomicfile.Create(filepath.Join(dir, "blob"), 0o644)
}

// commit gives a blob its name. b is locked.
func (l *Layout) commit(f *atomicfile.File, b *blob, digest v1.Hash) error {
	if err := f.CommitAs(digest.Hex); err != nil {
		return err
	}
	info, err := os.Lstat(l.Path(digest))
	b.known = info
	return err
}

// good reports whether the blob is there and has its content. b is locked. The only error is that of ctx: a blob that
// cannot be read is not good, and is written anew.
func (l *Layout) good(ctx context.Context, b *blob, digest v1.Hash, size int64) (bool, error) {
	info, err := os.Lstat(l.Path(digest))
	if err != nil || !info.Mode().IsRegular() || info.Size() != size {
		return false, nil
	}
	if b.known != nil && os.SameFile(b.known, info) && b.known.ModTime().Equal(info.ModTime()) && b.known.Size() == size {
		return true, nil
	}
	content, err := l.read().Blob(v1.Descriptor{Digest: digest, Size: size})
	if err != nil {
		return false, nil
	}
	defer content.Close()
	if err := copyUntil(ctx, io.Discard, content); err != nil {
		return false, ctx.Err()
	}
	b.known = info
	return true, nil
}

// A digester passes bytes on and takes their digest.
type digester struct {
	w    io.Writer
	size int64
	hash interface {
		io.Writer
		Sum([]byte) []byte
	}
}

func newDigester(w io.Writer) *digester { return &digester{w: w, hash: sha256.New()} }

func (d *digester) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	d.size += int64(n)
	_, _ = d.hash.Write(p[:n]) // never fails
	return n, err
}

func (d *digester) digest() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(d.hash.Sum(nil))}
}

// copyUntil copies all of r to w and returns ctx's error when ctx ends before.
func copyUntil(ctx context.Context, w io.Writer, r io.Reader) error {
	buffer := make([]byte, 256<<10)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
