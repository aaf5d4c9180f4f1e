package bucket

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	recordKey = workDir + "/pushed.gz"
	// recordHead begins the record: its format, and the number of the push that wrote it.
	recordHead = "kubedist pushed 1"
	// maxRecord bounds the record in bytes, packed and not: room for some millions of objects.
	maxRecord = 512 << 20
)

// recorded is what a push noted of an object that it found or wrote.
type recorded struct {
	size    int64
	version string // of the object that has the digest
	sha256  string
	// gone is the number of the push that found the object no longer in the archive, 0 while it is.
	gone int
}

// record is what the last push noted of all its objects. It says nothing that the objects do not say of themselves,
// but for how long those that are no longer in the archive have been so.
type record struct {
	push    int // number of the push, from 1
	objects map[string]recorded
	version string // of the record's own object
}

// readRecord reads the record. A lost one is empty, as is one that cannot be read.
func readRecord(ctx context.Context, s store) (*record, error) {
	empty := &record{objects: map[string]recorded{}}
	data, o, err := s.get(ctx, recordKey, maxRecord)
	if errors.Is(err, errNotFound) {
		return empty, nil
	}
	if err != nil {
		return nil, fmt.Errorf("record of what was pushed: %w", err)
	}
	empty.version = o.version
	r, err := parseRecord(data)
	if err != nil {
		return empty, nil //nolint:nilerr // it saves time, no more
	}
	r.version = o.version
	return r, nil
}

// write replaces the record in the version that was read.
func (r *record) write(ctx context.Context, s store) error {
	data, err := r.format()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	o, err := s.put(ctx, bytes.NewReader(data), putOptions{
		key: recordKey, size: int64(len(data)), sha256: hex.EncodeToString(sum[:]), contentType: "application/gzip", cacheControl: "no-store", version: r.version,
	})
	if err != nil {
		return fmt.Errorf("record of what was pushed: %w", err)
	}
	r.version = o.version
	return nil
}

// format writes a line per object, sorted: digest, size, gone, version and key, separated by blanks. Neither version nor
// key may hold what ends a line, and no version a blank; objects for which that is not so are left out.
func (r *record) format() ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := bufio.NewWriter(z)
	fmt.Fprintf(w, "%s %d\n", recordHead, r.push)
	for _, key := range slices.Sorted(maps.Keys(r.objects)) {
		o := r.objects[key]
		if o.version == "" || strings.ContainsAny(o.version, " \n") || strings.Contains(key, "\n") {
			continue
		}
		fmt.Fprintf(w, "%s %d %d %s %s\n", o.sha256, o.size, o.gone, o.version, key)
	}
	err := errors.Join(w.Flush(), z.Close())
	return b.Bytes(), err
}

func parseRecord(data []byte) (*record, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(io.LimitReader(z, maxRecord))
	lines.Buffer(nil, 64<<10)
	if !lines.Scan() {
		return nil, errors.Join(errors.New("empty"), lines.Err())
	}
	number, found := strings.CutPrefix(lines.Text(), recordHead+" ")
	push, err := strconv.Atoi(number)
	if !found || err != nil || push < 1 {
		return nil, fmt.Errorf("unknown format %q", lines.Text())
	}
	r := &record{push: push, objects: map[string]recorded{}}
	for lines.Scan() {
		fields := strings.SplitN(lines.Text(), " ", 5)
		if len(fields) != 5 || len(fields[0]) != 2*sha256.Size {
			return nil, fmt.Errorf("line %q", lines.Text())
		}
		size, err1 := strconv.ParseInt(fields[1], 10, 64)
		gone, err2 := strconv.Atoi(fields[2])
		if err1 != nil || err2 != nil || size < 0 || gone < 0 || gone > push {
			return nil, fmt.Errorf("line %q", lines.Text())
		}
		r.objects[fields[4]] = recorded{sha256: fields[0], size: size, gone: gone, version: fields[3]}
	}
	return r, lines.Err()
}
