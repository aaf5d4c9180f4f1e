package source

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"kubedist/pkg/atomicfile"
)

// recipe is the version of how trees are put together. It goes into every digest: raise it when the same modules give
// a different tree.
const recipe = 1

// lockRetry is how often Open asks for the lock of a tree that another process is putting together.
const lockRetry = 100 * time.Millisecond

// identity is what the cache remembers of a module that was opened: the answer to a request, stored beside the trees.
// Sums of modules never change, so the answer to a request never does.
type identity struct {
	Module     string    `json:"module"`
	Version    string    `json:"version"`
	CommitTime time.Time `json:"commitTime"`
	GoVersion  string    `json:"goVersion"`
	Digest     string    `json:"digest"`
	// Dir is absolute for a module that is used where the go command keeps it, and "" for a tree of the cache, so
	// that the cache can be moved.
	Dir  string `json:"dir,omitempty"`
	Sums []Sum  `json:"sums"`
}

// store is the cache of trees.
//
//	trees/DIGEST/                        a tree, complete since it has this name
//	trees/requests/NAME@VERSION-KEY.json the identity that answers a request
//	trees/requests/…lock                 held while the request is worked on
//	trees/tmp-KEY-…                      a tree being put together; removed by the next one to hold the lock
type store struct{ dir string }

func (s store) tree(digest string) string { return filepath.Join(s.dir, digest) }

// request names what o asks for: a key that is equal only for options that lead to the same tree.
func (o Options) request() (name, key string) {
	skip := slices.Sorted(slices.Values(o.SkipStaging))
	h := sha256.New()
	fmt.Fprintf(h, "recipe %d\nmodule %s\nversion %s\ngo %s\n", recipe, o.Module, o.Version, o.GoVersion)
	for _, path := range slices.Compact(skip) {
		fmt.Fprintf(h, "skip %s\n", path)
	}
	if o.SameVersion {
		fmt.Fprintln(h, "nested modules of the same version")
	}
	key = fmt.Sprintf("%x", h.Sum(nil)[:8])
	return strings.ReplaceAll(o.Module, "/", "_") + "@" + o.Version + "-" + key, key
}

// lookup returns the identity of a request when it is known and its tree is still there, nil otherwise.
func (s store) lookup(name string) (*identity, error) {
	data, err := readBounded(filepath.Join(s.dir, "requests", name+".json"), 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the cache of trees: %w", err)
	}
	id := &identity{}
	if err := json.Unmarshal(data, id); err != nil || len(id.Digest) != 2*sha256.Size {
		return nil, nil // damaged: as good as absent, it is written anew
	}
	dir := id.Dir
	if dir == "" {
		dir = s.tree(id.Digest)
	}
	if !exists(filepath.Join(dir, "go.mod")) {
		return nil, nil
	}
	id.Dir = dir
	return id, nil
}

// record stores the identity that answers a request.
func (s store) record(name string, id identity) error {
	if id.Dir == s.tree(id.Digest) {
		id.Dir = ""
	}
	data, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return err
	}
	if err := atomicfile.WriteFile(filepath.Join(s.dir, "requests", name+".json"), append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("recording the tree: %w", err)
	}
	return nil
}

// lock makes this process the only one that works on a request and clears away what a killed one left of it.
func (s store) lock(ctx context.Context, name, key string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Join(s.dir, "requests"), 0o755); err != nil {
		return nil, fmt.Errorf("making the cache of trees: %w", err)
	}
	lock := flock.New(filepath.Join(s.dir, "requests", name+".lock"))
	if _, err := lock.TryLockContext(ctx, lockRetry); err != nil {
		return nil, fmt.Errorf("locking the tree in the cache: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(s.dir, "tmp-"+key+"-*"))
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("removing an unfinished tree: %w", err)
	}
	return func() { _ = lock.Close() }, nil
}
