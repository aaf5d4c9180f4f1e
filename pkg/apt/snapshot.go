package apt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/hint"
)

// SnapshotOptions say what is to be kept, and under which name.
type SnapshotOptions struct {
	Name   string   // lower-case letters, digits and .+-_
	Suites []string // none: all that are published
}

// Snapshot is a state of some suites that an archive keeps: their Release files, and the indices that these name. The
// packages stay in the pool, from where garbage collection does not take them.
type Snapshot struct {
	Name   string          `json:"name"`
	Suites []SnapshotSuite `json:"suites"` // sorted by name
}

// SnapshotSuite is one suite of a snapshot.
type SnapshotSuite struct {
	Suite    string    `json:"suite"`
	Date     time.Time `json:"date"`     // of its Release
	Packages int       `json:"packages"` // versions of packages, those of all architectures counted once
}

// stagedSnapshot is a snapshot in the making.
type stagedSnapshot struct{ temp, name string }

// snapshotDir is where a snapshot lies.
func snapshotDir(name string) string { return path.Join(snapshotsDir, name) }

// Snapshot keeps what suites are now: what was published when the transaction began, and not what it changes. It becomes
// visible with what [Transaction.Publish] publishes, or alone by [Transaction.SaveSnapshots]. That the name is taken, that
// a suite is not published and that a file of it is damaged are errors.
func (t *Transaction) Snapshot(ctx context.Context, o SnapshotOptions) (*Snapshot, error) {
	s, err := t.snapshot(ctx, o)
	if err != nil {
		return nil, atomicfile.Explain(t.disk.root, fmt.Errorf("snapshot %s: %w", o.Name, err))
	}
	return s, nil
}

func (t *Transaction) snapshot(ctx context.Context, o SnapshotOptions) (*Snapshot, error) {
	if err := t.open(); err != nil {
		return nil, err
	}
	if err := checkWord(o.Name); err != nil {
		return nil, err
	}
	taken := slices.ContainsFunc(t.staged, func(s stagedSnapshot) bool { return s.name == o.Name })
	if _, err := os.Lstat(t.disk.path(snapshotDir(o.Name))); taken || !errors.Is(err, fs.ErrNotExist) {
		return nil, hint.Errorf("choose another name, or remove that one first", "there is one of that name")
	}
	var suites []*suite
	for _, s := range t.tree.suites {
		if s.release != nil && (len(o.Suites) == 0 || slices.Contains(o.Suites, s.name)) {
			suites = append(suites, s)
		}
	}
	for _, name := range o.Suites {
		if !slices.ContainsFunc(suites, func(s *suite) bool { return s.name == name }) {
			return nil, fmt.Errorf("suite %s: not published", name)
		}
	}
	if len(suites) == 0 {
		return nil, errors.New("no suite is published")
	}
	staged := stagedSnapshot{temp: path.Join(tempDir, strconv.FormatInt(t.disk.count.Add(1), 10)), name: o.Name}
	for _, s := range suites {
		if err := t.keep(ctx, s, path.Join(staged.temp, suiteDir(s.name))); err != nil {
			return nil, fmt.Errorf("suite %s: %w", s.name, err)
		}
	}
	kept, err := t.tree.describeSnapshot(ctx, o.Name, staged.temp)
	if err != nil {
		return nil, err
	}
	t.staged = append(t.staged, staged)
	return kept, nil
}

// keep links the files of a suite into a directory: the Release files by their names, what they list by its content.
func (t *Transaction) keep(ctx context.Context, s *suite, dir string) error {
	damage, err := t.tree.damage(ctx, &s.place)
	if err != nil {
		return err
	}
	if damage != "" {
		return hint.Errorf("repair it with: kubedist repo publish", "%s: not as InRelease says", damage)
	}
	names := []string{"InRelease", "Release", "Release.gpg"}
	for _, f := range s.release.Files {
		names = append(names, byHash(f.Path, f.SHA256))
	}
	for _, name := range names {
		if err := t.disk.linkTo(ctx, path.Join(s.dir, name), path.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// placeSnapshots makes the snapshots visible.
func (t *Transaction) placeSnapshots(context.Context) error {
	for _, s := range t.staged {
		if err := t.disk.placeDir(s.temp, snapshotDir(s.name)); err != nil {
			return err
		}
	}
	return nil
}

// SaveSnapshots makes the snapshots of the transaction visible, and changes nothing else. Like publishing, it ends the
// transaction. The time is for what no client sees.
func (t *Transaction) SaveSnapshots(ctx context.Context, now time.Time) error {
	if err := t.open(); err != nil {
		return err
	}
	t.leaving = leftHalfway
	if err := t.together(ctx, now, []stage{{"snapshots", t.placeSnapshots}}); err != nil {
		return atomicfile.Explain(t.disk.root, err)
	}
	if err := t.followListings(context.WithoutCancel(ctx)); err != nil {
		return atomicfile.Explain(t.disk.root, fmt.Errorf("pages: %w", err))
	}
	t.leaving, t.tree = leftWhole, nil
	return nil
}

// RemoveSnapshotOptions say which snapshot goes.
type RemoveSnapshotOptions struct {
	Name   string
	DryRun bool // remove nothing; tell whether it could be
}

// RemoveSnapshot removes a snapshot at once. What only it needed stays in the pool until [Transaction.CollectGarbage].
func (t *Transaction) RemoveSnapshot(ctx context.Context, o RemoveSnapshotOptions) error {
	name := o.Name
	if err := t.open(); err != nil {
		return err
	}
	names, err := t.tree.snapshotNames()
	if err != nil {
		return fmt.Errorf("snapshot %s: %w", name, err)
	}
	if !slices.Contains(names, name) {
		return unknownSnapshot(name)
	}
	if o.DryRun {
		return nil
	}
	left := t.leaving
	t.leaving = leftHalfway // until the pages, too, are as they should be
	// It goes in one piece; what is left of it in the work directory is removed with that.
	if err := t.disk.placeDir(snapshotDir(name), path.Join(tempDir, strconv.FormatInt(t.disk.count.Add(1), 10))); err != nil {
		return atomicfile.Explain(t.disk.root, fmt.Errorf("snapshot %s: %w", name, err))
	}
	t.disk.touched(snapshotDir(name))
	t.disk.changed[snapshotDir(name)] = true
	if err := t.followListings(ctx); err != nil {
		return atomicfile.Explain(t.disk.root, fmt.Errorf("snapshot %s: %w", name, err))
	}
	t.leaving = left
	return nil
}

// Snapshots lists the snapshots of an archive, sorted by name. It takes no lock.
func Snapshots(ctx context.Context, o Options) ([]Snapshot, error) {
	t := &tree{root: o.Root, def: o.Definition}
	names, err := t.snapshotNames()
	if err != nil {
		return nil, fmt.Errorf("archive %s: %w", o.Root, err)
	}
	all := []Snapshot{}
	for _, name := range names {
		s, err := t.describeSnapshot(ctx, name, snapshotDir(name))
		if err != nil {
			return nil, fmt.Errorf("archive %s: snapshot %s: %w", o.Root, name, err)
		}
		all = append(all, *s)
	}
	return all, nil
}

// snapshotNames lists the snapshots that are there, sorted.
func (t *tree) snapshotNames() ([]string, error) {
	return directories(filepath.Join(t.root, snapshotsDir))
}

// directories lists the names of the directories in one that need not be there, sorted.
func directories(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// openSnapshot loads the suites of a snapshot, sorted by name. That there is none of that name is an error.
func (t *tree) openSnapshot(name string) ([]*suite, error) {
	names, err := t.snapshotNames()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(names, name) {
		return nil, unknownSnapshot(name)
	}
	suites, err := t.loadSnapshot(snapshotDir(name))
	if err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", name, err)
	}
	return suites, nil
}

func unknownSnapshot(name string) error {
	return hint.Errorf("see them with: kubedist repo snapshot list", "snapshot %s: the archive has none of that name", name)
}

// loadSnapshot loads the suites of the snapshot that lies in a directory.
func (t *tree) loadSnapshot(dir string) ([]*suite, error) {
	names, err := directories(filepath.Join(t.root, filepath.FromSlash(path.Join(dir, distsDir))))
	if err != nil {
		return nil, err
	}
	var suites []*suite
	for _, name := range names {
		s := newSuite(name, path.Join(dir, suiteDir(name)))
		if err := t.load(&s.place, false); err != nil {
			return nil, fmt.Errorf("suite %s: %w", name, err)
		}
		if s.release == nil {
			return nil, fmt.Errorf("suite %s: InRelease: missing", name)
		}
		suites = append(suites, s)
	}
	return suites, nil
}

// describeSnapshot counts what is in the snapshot that lies in a directory.
func (t *tree) describeSnapshot(ctx context.Context, name, dir string) (*Snapshot, error) {
	suites, err := t.loadSnapshot(dir)
	if err != nil {
		return nil, err
	}
	described := &Snapshot{Name: name, Suites: []SnapshotSuite{}}
	for _, s := range suites {
		keys := map[packageKey]bool{}
		for _, key := range s.keys() {
			x, err := t.index(ctx, s, key)
			if err != nil {
				return nil, err
			}
			for i := range x.entries {
				keys[x.entries[i].key()] = true
			}
		}
		for _, component := range s.sourceComponents() {
			x, err := t.sources(ctx, s, component)
			if err != nil {
				return nil, err
			}
			for _, source := range x.sources {
				keys[source.asEntry().key()] = true
			}
		}
		described.Suites = append(described.Suites, SnapshotSuite{Suite: s.name, Date: s.release.Date, Packages: len(keys)})
	}
	return described, nil
}
