// Package ledger remembers which files a step made, from which input. A step whose input has the same key and whose
// files are still what they were need not run again: that is how a killed release resumes and how a second run does
// nothing. The ledger decides by digest; a file's size and times only spare reading it again, as they do in git's
// index. It does not know what a step is or how its key comes about.
package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/checksum"
)

// File is an output of a step.
type File struct {
	Path   string `json:"path"` // relative to the ledger's root, with slashes
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
	SHA512 string `json:"sha512"`
	// ModTime is the modification time in nanoseconds at which the digests held.
	ModTime int64 `json:"mtime"`
}

// Ledger keeps one entry per step under <root>/.kubedist/steps.
type Ledger struct {
	root string
}

// entry is what is stored of a step.
type entry struct {
	Step  string `json:"step"`
	Key   string `json:"key"`
	Files []File `json:"files"`
}

// New returns the ledger of the directory root, which need not exist yet.
func New(root string) *Ledger { return &Ledger{root: root} }

// Dir is where the ledger and the intermediate files of steps live: <root>/.kubedist.
func (l *Ledger) Dir() string { return filepath.Join(l.root, ".kubedist") }

func (l *Ledger) path(step string) string {
	return filepath.Join(l.Dir(), "steps", strings.ReplaceAll(step, "/", "-")+".json")
}

// Fresh returns the files that step made, if it was last recorded with key and every one of them still has the digest
// that it was recorded with. With paths, they have to be these, in this order. A missing, damaged or different entry is
// no error: the step just has to run.
func (l *Ledger) Fresh(ctx context.Context, step, key string, paths ...string) ([]File, bool) {
	data, err := os.ReadFile(l.path(step))
	if err != nil {
		return nil, false
	}
	var e entry
	if json.Unmarshal(data, &e) != nil || e.Step != step || e.Key != key {
		return nil, false
	}
	if len(paths) > 0 && !slices.EqualFunc(e.Files, paths, func(f File, path string) bool {
		return filepath.Join(l.root, filepath.FromSlash(f.Path)) == filepath.Clean(path)
	}) {
		return nil, false
	}
	touched := false
	for i, f := range e.Files {
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return nil, false
		}
		path := filepath.Join(l.root, filepath.FromSlash(f.Path))
		info, err := os.Lstat(path)
		if err != nil || !info.Mode().IsRegular() || info.Size() != f.Size {
			return nil, false
		}
		if info.ModTime().UnixNano() == f.ModTime {
			continue
		}
		sum, err := checksum.File(ctx, path)
		if err != nil || sum.SHA256 != f.SHA256 {
			return nil, false
		}
		e.Files[i].ModTime, touched = info.ModTime().UnixNano(), true
	}
	if touched {
		// Only the times have changed: not being able to note that costs one more reading next time, nothing else.
		_ = l.write(e)
	}
	return e.Files, true
}

// Record hashes the files, given by their paths below the root, and notes that step made them from the input called
// key. It is called once all of them are in place.
func (l *Ledger) Record(ctx context.Context, step, key string, paths []string) ([]File, error) {
	e := entry{Step: step, Key: key, Files: []File{}}
	for _, path := range paths {
		rel, err := filepath.Rel(l.root, path)
		if err != nil || !filepath.IsLocal(rel) {
			return nil, fmt.Errorf("%s: not below %s", path, l.root)
		}
		// The time is read first: a file that changes while it is being hashed then differs next time.
		info, err := os.Lstat(path)
		if err != nil {
			return nil, err
		}
		sum, err := checksum.File(ctx, path)
		if err != nil {
			return nil, err
		}
		e.Files = append(e.Files, File{Path: filepath.ToSlash(rel), Size: sum.Size, SHA256: sum.SHA256, SHA512: sum.SHA512, ModTime: info.ModTime().UnixNano()})
	}
	return e.Files, l.write(e)
}

func (l *Ledger) write(e entry) error {
	data, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	path := l.path(e.Step)
	if err := atomicfile.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	return atomicfile.Write(path, 0o644, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

// Files returns the paths below the root of all files that steps were recorded to have made, sorted. Entries that cannot
// be read are passed over.
func (l *Ledger) Files() ([]string, error) {
	dir := filepath.Join(l.Dir(), "steps")
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var paths []string
	for _, step := range entries {
		data, err := os.ReadFile(filepath.Join(dir, step.Name()))
		if err != nil {
			return nil, err
		}
		var e entry
		if json.Unmarshal(data, &e) != nil {
			continue
		}
		for _, f := range e.Files {
			if filepath.IsLocal(filepath.FromSlash(f.Path)) {
				paths = append(paths, f.Path)
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// Key digests the parts of an input into a key. It panics if a part cannot be written as JSON: parts are plain values
// of the program itself.
func Key(parts ...any) string {
	data, err := json.Marshal(parts)
	if err != nil {
		panic(fmt.Sprintf("ledger: key part: %v", err))
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
