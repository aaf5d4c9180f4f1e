package deb

import (
	"archive/tar"
	"bufio"
	"compress/bzip2"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// longestNames bounds the names of a package's files, in bytes of all together.
const longestNames = 64 << 20

// ReadFiles is [Read], and lists in Info.Files what the package installs: the paths of all that is no directory, sorted,
// without a slash at their beginning. To that end it unpacks the whole data member, in the same pass, so that damage
// anywhere in it is found; and the first program is looked for in all of it.
func ReadFiles(ctx context.Context, r io.Reader, limits Limits) (*Info, error) {
	return new(Reader).ReadFiles(ctx, r, limits)
}

// ReadFiles is [ReadFiles] in the reader's buffers. Nothing of what it returns lies there.
func (p *Reader) ReadFiles(ctx context.Context, r io.Reader, limits Limits) (*Info, error) {
	return p.read(ctx, r, limits, p.readFiles)
}

// readFiles lists what is in the data member.
func (p *decoders) readFiles(r io.Reader, compression string, info *Info, limits Limits) error {
	architecture := info.Control.Get("Architecture")
	want, checked := machineOf(architecture)
	names := map[string]bool{}
	length := 0
	err := p.readEntries(r, compression, limits, func(h *tar.Header, contents io.Reader) error {
		if h.Typeflag == tar.TypeDir {
			return nil
		}
		if length += len(h.Name); length > longestNames {
			return fmt.Errorf("tar: names of more than %d bytes", longestNames)
		}
		names[installed(h.Name)] = true
		if checked && h.Typeflag == tar.TypeReg {
			found, err := checkEntry(contents, h.Name, h.Size, architecture, want)
			if err != nil {
				return err
			}
			checked = !found
		}
		return nil
	})
	if err != nil {
		return err
	}
	info.Files = make([]string, 0, len(names))
	for name := range names {
		info.Files = append(info.Files, name)
	}
	slices.Sort(info.Files)
	return nil
}

// installed is where an unpacked file lands: a path cannot leave the root by way of "..".
func installed(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// unpackData gives the plain bytes of a data member, in all compressions that deb(5) has for it, without holding it in
// memory.
func (p *decoders) unpackData(r io.Reader, compression string, limits Limits) (io.Reader, error) {
	switch compression {
	case "xz":
		plain, err := xz.ReaderConfig{SingleStream: true}.NewReader(bufio.NewReader(newXZGuard(r, limits.Dictionary)))
		if err != nil {
			return nil, fmt.Errorf("xz: %w", truncated(err))
		}
		return plain, nil
	case "bz2":
		return bzip2.NewReader(r), nil
	case "lzma":
		packed := bufio.NewReader(r)
		header, err := packed.Peek(lzma.HeaderLen)
		if err != nil {
			return nil, fmt.Errorf("lzma: %w", truncated(err))
		}
		// The decoder reserves whatever window the header asks for.
		if dictionary := int64(header[1]) | int64(header[2])<<8 | int64(header[3])<<16 | int64(header[4])<<24; dictionary > limits.Dictionary {
			return nil, fmt.Errorf("lzma: asks for a dictionary of %d bytes, more than the %d allowed", dictionary, limits.Dictionary)
		}
		plain, err := lzma.NewReader(packed)
		if err != nil {
			return nil, fmt.Errorf("lzma: %w", truncated(err))
		}
		return plain, nil
	}
	return p.unpack(r, compression, limits)
}
