package apt

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"kubedist/pkg/deb"
	"kubedist/pkg/hint"
)

// readDeb reads a package, with the list of its files where the archive publishes such lists.
func (t *Transaction) readDeb(ctx context.Context, reader *deb.Reader, r io.Reader) (*deb.Info, error) {
	if t.tree.def.Contents {
		return reader.ReadFiles(ctx, r, deb.Limits{})
	}
	return reader.Read(ctx, r, deb.Limits{})
}

// noteFiles keeps the list of a package's files until the transaction is over.
func (t *Transaction) noteFiles(info *deb.Info) {
	if info.Files == nil {
		return
	}
	t.lists.Store(hex.EncodeToString(info.SHA256[:]), fileList(info.Files))
}

// fileList joins the paths that a list of contents can hold, each on a line: neither a line end nor blanks at the end can
// be told from those of the list itself.
func fileList(files []string) string {
	files = slices.DeleteFunc(slices.Clone(files), func(name string) bool {
		return name == "" || strings.ContainsAny(name, "\n\r\x00") || strings.TrimRight(name, " \t") != name
	})
	return strings.Join(files, "\n")
}

// fileLists gives the list of each package: what this transaction read when it was added, or else what the pool has.
func (t *Transaction) fileLists(ctx context.Context, entries []*entry) ([]string, error) {
	lists := make([]string, len(entries))
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for i, e := range entries {
		if list, known := t.lists.Load(e.sha256); known {
			lists[i], _ = list.(string)
			continue
		}
		workers.Go(func() error {
			list, err := t.readFileList(ctx, e)
			if err != nil {
				return fmt.Errorf("package %s: %w", e.filename, err)
			}
			lists[i] = list
			t.lists.Store(e.sha256, list)
			return nil
		})
	}
	return lists, workers.Wait()
}

// readFileList reads a package of the pool once more.
func (t *Transaction) readFileList(ctx context.Context, e *entry) (string, error) {
	f, err := os.Open(t.disk.path(e.filename))
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := deb.ReadFiles(ctx, f, deb.Limits{})
	if err != nil {
		return "", err
	}
	if digest := hex.EncodeToString(info.SHA256[:]); digest != e.sha256 {
		return "", hint.Errorf("find out more with: kubedist repo verify", "its SHA-256 is %s, not %s", digest, e.sha256)
	}
	return fileList(info.Files), nil
}
