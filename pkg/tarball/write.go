package tarball

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"time"

	"github.com/klauspost/pgzip"
)

// DefaultLevel is the compression level that Options.Level 0 stands for. On Go binaries level 7 takes 1.6 times as much
// CPU time for 1.4 % fewer bytes, and level 9 ten times as much for 2.4 %; see BenchmarkWriteGzip.
const DefaultLevel = 6

// blockSize is what one goroutine compresses at a time. It decides the bytes that come out, so it is a constant.
const blockSize = 1 << 20

// Options of WriteGzip.
type Options struct {
	Level int       // gzip level, 1 to 9; 0 means DefaultLevel
	Time  time.Time // modification time of files that have none and of implied directories; required
	Jobs  int       // blocks of 1 MiB compressed ahead of the one being written; 0 means GOMAXPROCS. No effect on the bytes.

	// TempDir is an existing directory for what is compressed ahead of its place: the archives of a [Nested] with these
	// options. "" takes os.TempDir.
	TempDir string

	// Uncompressed, when set, gets the bytes of the tar before they are compressed: a digest of them is the diff ID of
	// an image's layer. Its error ends the writing.
	Uncompressed io.Writer
}

// WriteGzip checks the archive and writes it to w as tar.gz, sorted by name, with an entry of mode 0755 for every
// directory on the way to a file.
//
// The tar is that of [Archive.WriteTar]. The gzip header (RFC 1952) has neither name nor time, and 255 (unknown) as
// operating system.
//
// Errors are those of Check, of reading a source (they name the entry), of w, and ctx's own soon after ctx ends. What
// was written to w until then is of no use.
func (a *Archive) WriteGzip(ctx context.Context, w io.Writer, o Options) (err error) {
	if err := a.ready(o); err != nil {
		return err
	}
	if o.Level == 0 {
		o.Level = DefaultLevel
	}
	if o.Jobs <= 0 {
		o.Jobs = runtime.GOMAXPROCS(0)
	}
	sink := &sink{w: w}
	zw, err := pgzip.NewWriterLevel(sink, o.Level)
	if err == nil {
		err = zw.SetConcurrency(blockSize, o.Jobs)
	}
	if err != nil {
		return fmt.Errorf("tarball: %w", err)
	}
	// pgzip would write the zero time.Time as a large number, and the Unix epoch as 0, which stands for none.
	zw.ModTime = time.Unix(0, 0)
	// Closing ends the goroutines of pgzip whatever happened before.
	defer func() {
		err = errors.Join(err, zw.Close(), sink.err)
	}()
	var out io.Writer = zw
	if o.Uncompressed != nil {
		out = io.MultiWriter(zw, o.Uncompressed)
	}
	// When the sink has failed, the deferred function returns the cause.
	return a.writeTar(ctx, out, o, sink.failed)
}

// WriteTar checks the archive and writes it to w as a tar without compression, sorted by name, with an entry of mode 0755
// for every directory on the way to a file. Of the options it takes Time and TempDir.
//
// The tar format is POSIX ustar; an entry that does not fit into it (a name that cannot be split into 155 and 100
// bytes, characters beyond ASCII, 8 GiB and more, extended attributes) gets a pax extended header, and only that entry.
// Extended attributes are records SCHILY.xattr.NAME, as star, GNU tar and container runtimes have them. Owners and groups
// have no names; see [File].
//
// Its errors are those of [Archive.WriteGzip].
func (a *Archive) WriteTar(ctx context.Context, w io.Writer, o Options) error {
	if err := a.ready(o); err != nil {
		return err
	}
	return a.writeTar(ctx, w, o, func() bool { return false })
}

// ready refuses what cannot be written, before anything is.
func (a *Archive) ready(o Options) error {
	if err := a.Check(); err != nil {
		return err
	}
	if o.Time.IsZero() {
		return errors.New("tarball: Options.Time is not set")
	}
	return nil
}

// writeTar writes the entries, until all are written or, without an error, until stop says that it makes no sense to go on.
func (a *Archive) writeTar(ctx context.Context, w io.Writer, o Options, stop func() bool) error {
	tw := tar.NewWriter(w)
	buffer := make([]byte, 256<<10)
	for _, f := range a.complete(o.Time) {
		if err := f.write(ctx, tw, buffer); err != nil {
			return fmt.Errorf("tarball entry %s: %w", f.Name, err)
		}
		if stop() {
			return nil
		}
	}
	return tw.Close()
}

// write writes one entry, which complete has filled in.
func (f File) write(ctx context.Context, tw *tar.Writer, buffer []byte) (err error) {
	header := &tar.Header{Name: f.Name, Mode: tarMode(f.Mode), Uid: f.UID, Gid: f.GID, ModTime: f.Time}
	for name, value := range f.Xattrs {
		if header.PAXRecords == nil {
			header.PAXRecords = map[string]string{} // tar writes them sorted
		}
		header.PAXRecords["SCHILY.xattr."+name] = value
	}
	switch {
	case f.Dir:
		header.Typeflag = tar.TypeDir
		header.Name += "/"
		return tw.WriteHeader(header)
	case f.Link != "":
		header.Typeflag = tar.TypeSymlink
		header.Linkname = f.Link
		return tw.WriteHeader(header)
	}
	content, size, err := f.Source.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	header.Typeflag = tar.TypeReg
	header.Size = size
	if err := tw.WriteHeader(header); err != nil {
		return err
	}
	n, err := copyUntil(ctx, tw, content, buffer)
	if errors.Is(err, tar.ErrWriteTooLong) || err == nil && n < size {
		return fmt.Errorf("its size changed from %d bytes while it was read", size)
	}
	return err
}

// tarMode returns the mode as tar headers have it: the bits of chmod(2).
func tarMode(m fs.FileMode) int64 {
	mode := int64(m.Perm())
	for bit, is := range map[int64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if m&is != 0 {
			mode |= bit
		}
	}
	return mode
}
