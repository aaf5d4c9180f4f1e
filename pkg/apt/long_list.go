package apt

import (
	"bytes"

	"github.com/klauspost/compress/gzip"

	"kubedist/pkg/page"
)

// longListFile lists the whole tree at the root of an archive, for mirrors and scripts.
const longListFile = "ls-lR.gz"

// readLongList reads the ls-lR.gz of the last publishing. It is nil when there is none that can be read.
func (l *listings) readLongList() *page.LongList {
	packed, _, err := l.disk.readOld(longListFile)
	if err != nil {
		return nil
	}
	text, err := unpackIndex(packed, "gz")
	if err != nil {
		return nil
	}
	long, err := page.ParseLongList(text)
	if err != nil {
		return nil
	}
	return long
}

// writeLongList has ls-lR.gz written.
func (l *listings) writeLongList() error {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(l.long.Text()); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return l.writes.add(longListFile, b.Bytes(), l.at)
}
