package deb

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"kubedist/pkg/deb822"
)

// readControl unpacks the control member and takes the paragraph and the list of conffiles from it.
func (p *decoders) readControl(r io.Reader, compression string, info *Info, limits Limits) error {
	// Decoders are fast where all they read lies in memory.
	p.control.Reset()
	if _, err := p.control.ReadFrom(r); err != nil {
		return err
	}
	p.start.Reset(p.control.Bytes())
	plain, err := p.unpack(&p.start, compression, limits)
	if err != nil {
		return err
	}
	bounded := &bound{r: plain, left: limits.Unpacked, limit: limits.Unpacked}
	entries := &p.tar
	entries.reset(bounded)
	seen := make([]string, 0, 16)
	for {
		h, err := entries.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("tar: %w", err)
		}
		name := path.Clean(strings.TrimPrefix(h.name, "./"))
		if slices.Contains(seen, name) {
			return fmt.Errorf("tar: %s is there twice", name)
		}
		if seen = append(seen, name); len(seen) > limits.Entries {
			return fmt.Errorf("tar: more than %d entries", limits.Entries)
		}
		if name != "control" && name != "conffiles" {
			continue
		}
		if h.kind != tarFile {
			return fmt.Errorf("tar: %s is no regular file", name)
		}
		if err := p.take(info, name, h.size, limits); err != nil {
			return err
		}
	}
	// What follows the archive's end must still unpack, so that a damaged stream is found here and not by dpkg.
	if _, err := io.Copy(io.Discard, bounded); err != nil {
		return fmt.Errorf("after the tar archive: %w", err)
	}
	if !slices.Contains(seen, "control") {
		return errors.New("tar: no file control")
	}
	return nil
}

// take reads the file of the control member that tar is at.
func (p *decoders) take(info *Info, name string, size int64, limits Limits) error {
	if most := int64(4 << 20); size > most {
		return fmt.Errorf("%s: %d bytes are more than the %d allowed", name, size, most)
	}
	p.text = slices.Grow(p.text[:0], int(size))[:size]
	text := p.text
	if _, err := io.ReadFull(&p.tar, text); err != nil {
		return fmt.Errorf("%s: %w", name, truncated(err))
	}
	if name == "conffiles" {
		info.Conffiles = strings.Split(strings.TrimRight(string(text), "\n"), "\n")
		return nil
	}
	var err error
	if info.Control, err = deb822.Parse(text, limits.Control); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// bound ends a stream that grows too long with an error, not silently.
type bound struct {
	r     io.Reader
	left  int64
	limit int64
}

func (b *bound) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("unpacks to more than the %d bytes allowed", b.limit)
	}
	return n, err
}
