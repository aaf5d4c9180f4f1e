package bucket

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/deb/debtest"
	"kubedist/pkg/openpgp"
	"kubedist/repo"
)

// epoch is when the tests publish first.
var epoch = time.Date(2026, 7, 14, 9, 30, 0, 0, time.UTC)

// seed makes keys that are the same each time.
type seed byte

func (s seed) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(s)
	}
	return len(p), nil
}

// newDeb writes a package for one architecture and returns its path.
func newDeb(t testing.TB, name, version string, fields ...string) string {
	t.Helper()
	return debtest.New(t, name, version, "amd64", fields...)
}

// archive is a published tree that a test pushes.
type archive struct {
	t    testing.TB
	root string
	def  *apt.Definition
	key  *openpgp.Key
	now  time.Time
}

// newArchive publishes two packages in two suites.
func newArchive(t testing.TB, change ...string) *archive {
	t.Helper()
	change = append(change, "[amd64, arm64, armhf, i386, loong64, ppc64el, riscv64, s390x]", "[amd64]", "generations: 5", "generations: 3")
	def, err := apt.ParseDefinition("archive.yaml", []byte(strings.NewReplacer(change...).Replace(string(repo.Archive))))
	if err != nil {
		t.Fatal(err)
	}
	key, err := openpgp.Generate(t.Context(), openpgp.GenerateOptions{
		Name: "Archive", Email: "archive@example.org", Created: epoch.AddDate(-1, 0, 0), Lifetime: 5 * 365 * 24 * time.Hour, Rand: seed(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	a := &archive{t: t, root: filepath.Join(t.TempDir(), "public"), def: def, key: key, now: epoch}
	a.publish(newDeb(t, "kubeadm", "1.36.1-1.1"), newDeb(t, "kubectl", "1.36.1-1.1"))
	return a
}

func (a *archive) begin() *apt.Transaction {
	a.t.Helper()
	tx, err := apt.Begin(a.t.Context(), apt.Options{Root: a.root, Definition: a.def})
	if err != nil {
		a.t.Fatal(err)
	}
	return tx
}

// publish adds packages to two suites, an hour after the last time.
func (a *archive) publish(debs ...string) {
	a.t.Helper()
	a.change(func(tx *apt.Transaction) error {
		_, err := tx.Add(a.t.Context(), debs, apt.AddOptions{Suites: []string{"v1.36", "stable"}})
		return err
	})
}

// drop removes packages from both suites, and their files.
func (a *archive) drop(relation string) {
	a.t.Helper()
	selector, err := apt.ParseSelector(relation)
	if err != nil {
		a.t.Fatal(err)
	}
	a.change(func(tx *apt.Transaction) error {
		for _, suite := range []string{"v1.36", "stable"} {
			if _, err := tx.Remove(a.t.Context(), apt.RemoveOptions{Suite: suite, Selector: selector}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *archive) change(work func(*apt.Transaction) error) {
	a.t.Helper()
	tx := a.begin()
	defer tx.Close()
	if err := work(tx); err != nil {
		a.t.Fatal(err)
	}
	a.now = a.now.Add(time.Hour)
	if _, err := tx.Publish(a.t.Context(), apt.PublishOptions{Signers: []openpgp.Signer{a.key}, Now: a.now}); err != nil {
		a.t.Fatal(err)
	}
	if err := tx.Close(); err != nil {
		a.t.Fatal(err)
	}
}

// options describe a push of the archive as it is.
func (a *archive) options() Options {
	a.t.Helper()
	tx := a.begin()
	defer tx.Close()
	files, err := tx.PublishedFiles(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	return Options{Root: a.root, Files: files, Generations: a.def.Generations, Holder: "a test", Now: a.now}
}

func (a *archive) push(s store) *Result {
	a.t.Helper()
	r, err := (&Bucket{store: s, name: "test"}).Push(a.t.Context(), a.options())
	if err != nil {
		a.t.Fatal(err)
	}
	return r
}

// mustServe fails unless clients of the store see exactly what the archive is.
func (a *archive) mustServe(s *memory) {
	a.t.Helper()
	for _, f := range s.verify(a) {
		a.t.Errorf("clients see: %s: %s", f.Path, f.Problem)
	}
	for _, f := range a.options().Files {
		if o, err := s.stat(a.t.Context(), f.Path); err != nil || o.sha256 != f.SHA256 {
			a.t.Errorf("%s: %v, SHA-256 %s, want %s", f.Path, err, o.sha256, f.SHA256)
		}
	}
}

// memory is a store that can be killed.
type memory struct {
	mu      sync.Mutex
	objects map[string]stored
	writes  int
	asked   int              // calls of stat
	failAt  int              // the write from which on all fail; 0 for none
	onPut   func(key string) // before each write
}

type stored struct {
	object
	data []byte
	meta putOptions
}

var errKilled = errors.New("killed")

func newMemory() *memory { return &memory{objects: map[string]stored{}} }

func (m *memory) list(_ context.Context, each func(object) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range m.objects {
		if err := each(object{key: o.key, size: o.size, version: o.version}); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) stat(_ context.Context, key string) (object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	o, found := m.objects[key]
	if !found {
		return object{}, errNotFound
	}
	return o.object, nil
}

func (m *memory) get(_ context.Context, key string, limit int64) ([]byte, object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, found := m.objects[key]
	if !found {
		return nil, object{}, errNotFound
	}
	if o.size > limit {
		return nil, object{}, errors.New("too large")
	}
	return o.data, o.object, nil
}

// write counts a write, which a lock's renewal is not.
func (m *memory) write(key string) error {
	if key == lockKey {
		if m.failAt > 0 && m.writes >= m.failAt {
			return errKilled
		}
		return nil
	}
	if m.onPut != nil {
		m.onPut(key)
	}
	if m.writes++; m.failAt > 0 && m.writes >= m.failAt {
		return errKilled
	}
	return nil
}

func (m *memory) put(ctx context.Context, body io.Reader, o putOptions) (object, error) {
	data, err := io.ReadAll(newCheckedReader(body, o.size, o.sha256))
	if err != nil {
		return object{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.write(o.key); err != nil {
		return object{}, err
	}
	if err := ctx.Err(); err != nil {
		return object{}, err
	}
	if m.objects[o.key].version != o.version {
		return object{}, errChanged
	}
	is := object{key: o.key, size: o.size, version: fmt.Sprintf("v%d-%s", m.writes, o.sha256[:8]), sha256: o.sha256, pushed: true}
	m.objects[o.key] = stored{is, data, o}
	return is, nil
}

func (m *memory) remove(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.write(key); err != nil {
		return err
	}
	delete(m.objects, key)
	return nil
}

func (m *memory) tidy(context.Context) error { return nil }
func (m *memory) close() error               { return nil }

// set puts an object there as someone else would.
func (m *memory) set(key, text string) {
	sum := sha256.Sum256([]byte(text))
	m.objects[key] = stored{object{key: key, size: int64(len(text)), version: "other" + hex.EncodeToString(sum[:4])}, []byte(text), putOptions{}}
}

// clone is the store as it is now, for a new life.
func (m *memory) clone() *memory {
	c := newMemory()
	for key, o := range m.objects {
		c.objects[key] = o
	}
	c.writes = m.writes
	return c
}

// verify checks what the store holds as clients see it.
func (m *memory) verify(a *archive) []apt.Finding {
	a.t.Helper()
	dir := a.t.TempDir()
	for key, o := range m.objects {
		name := filepath.Join(dir, filepath.FromSlash(key))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, o.data, 0o644)); err != nil {
			a.t.Fatal(err)
		}
	}
	return verifyDir(a, dir)
}

func verifyDir(a *archive, dir string) []apt.Finding {
	a.t.Helper()
	report, err := apt.Verify(a.t.Context(), apt.VerifyOptions{Root: dir, Keyring: []*openpgp.Certificate{a.key.Public()}, Now: a.now.Add(time.Hour)})
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing is published there yet
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return report.Findings
}
