package bucket

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kubedist/pkg/apt"
)

func TestPush(t *testing.T) {
	t.Parallel()
	a, s := newArchive(t), newMemory()
	first := a.push(s)
	a.mustServe(s)
	if n := written(first); n != len(a.options().Files) || first.Unchanged != 0 {
		t.Errorf("the first push wrote %d of %d files", n, len(a.options().Files))
	}
	for key, o := range s.objects {
		if !strings.HasPrefix(key, workDir) && (o.meta.contentType != apt.ContentType(key) || o.meta.cacheControl != apt.CacheControl(key)) {
			t.Errorf("%s: Content-Type %q, Cache-Control %q", key, o.meta.contentType, o.meta.cacheControl)
		}
	}
	before := s.writes
	if again := a.push(s); written(again) != 0 || len(again.Removed) != 0 || s.writes != before {
		t.Errorf("the second push wrote %+v", again)
	}
	a.publish(newDeb(t, "kubelet", "1.36.1-1.1"))
	var order []apt.Stage
	s.onPut = func(key string) {
		if key != recordKey {
			order = append(order, apt.StageOf(key))
		}
	}
	third := a.push(s)
	a.mustServe(s)
	// A package, two suites with three forms of an index under two names, three Release files each.
	n := written(third)
	for _, s := range third.Stages {
		if s.Stage == apt.StagePages.String() { // as many as directories have changed
			n -= len(s.Files)
		}
	}
	if n != 1+2*3*2+2*3 || third.Stages[0].Stage != "pool" || len(third.Stages[0].Files) != 1 {
		t.Errorf("one more package: %d files in %+v", n, third.Stages)
	}
	if !slices.IsSorted(order) || len(order) != written(third) {
		t.Errorf("written in the order %v", order)
	}
}

func written(r *Result) int {
	n := 0
	for _, s := range r.Stages {
		n += len(s.Files)
	}
	return n
}

// TestKilledAnywhere kills a push at every write. Clients must find all that the InRelease files name, and the next push
// must finish the work without writing again what was written.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	a, base := newArchive(t), newMemory()
	a.push(base)
	for i := range 5 { // so that there are old contents to remove, too
		a.publish(newDeb(t, "kubelet", fmt.Sprint("1.36.1-", i)))
		a.push(base)
	}
	a.drop("kubectl")
	a.publish(newDeb(t, "kubelet", "1.36.2-1.1"))
	options := a.options()
	whole := base.clone()
	result, err := (&Bucket{store: whole}).Push(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	total := whole.writes - base.writes
	if len(result.Removed) == 0 || total < 20 {
		t.Fatalf("%d writes and %d removals are too few to be true", total, len(result.Removed))
	}
	options.Jobs = 1 // so that a kill leaves the same behind each time
	for n := 1; n <= total; n++ {
		s := base.clone()
		s.failAt = s.writes + n
		if _, err := (&Bucket{store: s}).Push(t.Context(), options); !errors.Is(err, errKilled) {
			t.Fatalf("killed at write %d: %v", n, err)
		}
		for _, f := range s.verify(a) {
			// Canonical names and Release may be ahead of InRelease, as while an archive is published.
			if strings.Contains(f.Path, "/by-hash/") || strings.HasPrefix(f.Path, "pool/") || strings.HasSuffix(f.Path, "/InRelease") {
				t.Errorf("killed at write %d: clients see %s: %s", n, f.Path, f.Problem)
			}
		}
		next := s.clone()
		delete(next.objects, lockKey) // as after the lease
		r := a.push(next)
		a.mustServe(next)
		// The record may have to be written again, and what was to be removed is found once more.
		if got := n - 1 + written(r); got > written(result)+1+len(result.Removed) || n <= written(result) && got != written(result) {
			t.Errorf("killed at write %d of %d: then %d files were written", n, total, written(r))
		}
		if t.Failed() {
			t.FailNow()
		}
	}
}

// TestGenerations keeps what is no longer in the archive for as many pushes as there are generations, and leaves alone
// what others have put there.
func TestGenerations(t *testing.T) {
	t.Parallel()
	a, s := newArchive(t), newMemory()
	a.push(s)
	const deb = "pool/main/k/kubectl/kubectl_1.36.1-1.1_amd64.deb"
	s.set("robots.txt", "User-agent: *\n")
	s.set("pool/notes.txt", "by hand")
	a.drop("kubectl")
	if err := os.Remove(filepath.Join(a.root, deb)); err != nil {
		t.Fatal(err)
	}
	for push := 1; push <= 3; push++ {
		r := a.push(s)
		if _, there := s.objects[deb]; there != (push < 3) || slices.Contains(r.Removed, deb) == there {
			t.Errorf("push %d without the package: still there %v, removed %v", push, there, r.Removed)
		}
		if r.Foreign != 2 {
			t.Errorf("push %d: %d foreign objects", push, r.Foreign)
		}
		if r := a.push(s); written(r)+len(r.Removed) != 0 { // which counts for nothing
			t.Errorf("a push without a change: %+v", r)
		}
		a.publish(newDeb(t, "kubelet", fmt.Sprint("1.36.1-", push)))
	}
	a.push(s)
	a.mustServe(s)
	if string(s.objects["robots.txt"].data) == "" || string(s.objects["pool/notes.txt"].data) == "" {
		t.Error("a foreign object was removed")
	}
}

// TestSuiteGone removes a suite that is no longer published: InRelease at once and first, contents later.
func TestSuiteGone(t *testing.T) {
	t.Parallel()
	a, s := newArchive(t), newMemory()
	a.push(s)
	if err := os.RemoveAll(filepath.Join(a.root, "dists/stable")); err != nil {
		t.Fatal(err)
	}
	r := a.push(s)
	r.Removed = slices.DeleteFunc(r.Removed, func(name string) bool { return path.Base(name) == "index.html" }) // pages go before all
	if len(r.Removed) < 5 || r.Removed[0] != "dists/stable/InRelease" || !strings.HasPrefix(r.Removed[1], "dists/stable/Release") {
		t.Errorf("removed %v", r.Removed)
	}
	if r.Kept != 4 { // Packages in three forms, and the Release file beside it
		t.Errorf("kept %d contents of indices", r.Kept)
	}
	for _, f := range s.verify(a) {
		t.Errorf("clients see: %s: %s", f.Path, f.Problem)
	}
}

// TestRecordLost pushes without the record, or with one that is damaged: objects are asked, and not written again.
func TestRecordLost(t *testing.T) {
	t.Parallel()
	a, base := newArchive(t), newMemory()
	a.push(base)
	for _, damage := range []func(*memory){
		func(s *memory) { delete(s.objects, recordKey) },
		func(s *memory) { s.set(recordKey, "not a record") },
	} {
		s := base.clone()
		damage(s)
		before := s.writes
		if r := a.push(s); written(r) != 0 || s.writes != before+1 || s.asked == 0 {
			t.Errorf("pushed %+v with %d writes, %d objects asked", r, s.writes-before, s.asked)
		}
		s.asked = 0
		if r := a.push(s); written(r) != 0 || s.asked != 0 {
			t.Errorf("the next push asked %d objects", s.asked)
		}
	}
}

// TestRepair writes again what someone else has changed or removed.
func TestRepair(t *testing.T) {
	t.Parallel()
	a, s := newArchive(t), newMemory()
	a.push(s)
	s.set("dists/stable/main/binary-amd64/Packages", "nothing")
	s.set("kubernetes-archive-keyring.asc", "nothing")
	delete(s.objects, "pool/main/k/kubectl/kubectl_1.36.1-1.1_amd64.deb")
	if r := a.push(s); written(r) != 3 {
		t.Errorf("repaired %+v", r.Stages)
	}
	a.mustServe(s)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	// other is another tree's state of the archive.
	push := func(t *testing.T, other *archive) *memory {
		s := newMemory()
		other.push(s)
		return s
	}
	for name, c := range map[string]struct {
		bucket func(t *testing.T, a *archive) *memory
		want   string
	}{
		"older": {func(t *testing.T, a *archive) *memory {
			later := newArchive(t)
			later.publish()
			later.publish(newDeb(t, "kubelet", "1.36.1-1.1"))
			return push(t, later)
		}, "newer than"},
		"another origin": {func(t *testing.T, a *archive) *memory {
			return push(t, newArchive(t, "origin: Kubernetes", "origin: Other"))
		}, `Origin is "Other" in the bucket and "Kubernetes" here`},
		"diverged": {func(t *testing.T, a *archive) *memory {
			other := newArchive(t)
			other.publish(newDeb(t, "kubelet", "1.36.1-1.1"))
			a.publish(newDeb(t, "kubelet", "1.36.2-1.1"))
			a.publish(newDeb(t, "kubelet", "1.36.3-1.1"))
			return push(t, other)
		}, "such as pool/main/k/kubelet/kubelet_1.36.1-1.1_amd64.deb"},
		"two contents": {func(t *testing.T, a *archive) *memory {
			s := push(t, newArchive(t))
			const deb = "pool/main/k/kubelet/kubelet_1.36.1-1.1_amd64.deb"
			s.set(deb, "of another size")
			a.publish(newDeb(t, "kubelet", "1.36.1-1.1"))
			return s
		}, "the bucket has other contents under that name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newArchive(t)
			s := c.bucket(t, a)
			before := maps.Clone(s.objects)
			_, err := (&Bucket{store: s}).Push(t.Context(), a.options())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
			delete(before, lockKey)
			delete(s.objects, lockKey)
			if !maps.EqualFunc(before, s.objects, func(x, y stored) bool { return x.version == y.version }) {
				t.Error("something was written")
			}
			if name != "diverged" {
				return
			}
			if !errors.Is(err, ErrDiverged) {
				t.Errorf("no ErrDiverged: %v", err)
			}
			o := a.options()
			o.Diverged = true
			if _, err := (&Bucket{store: s}).Push(t.Context(), o); err != nil {
				t.Error(err)
			}
			a.mustServe(s)
		})
	}
}

// TestBehind pushes a tree that was published more often than it has generations since the last push.
func TestBehind(t *testing.T) {
	t.Parallel()
	a, s := newArchive(t), newMemory()
	a.push(s)
	for i := range 6 {
		a.publish(newDeb(t, "kubelet", fmt.Sprint("1.36.1-", i)))
	}
	a.push(s)
	a.mustServe(s)
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	a, s := newArchive(t), newMemory()
	a.push(s)
	a.publish(newDeb(t, "kubelet", "1.36.1-1.1"))
	o := a.options()
	o.DryRun = true
	before := s.writes
	would, err := (&Bucket{store: s, name: "test"}).Push(t.Context(), o)
	if err != nil || s.writes != before {
		t.Fatalf("%d writes, %v", s.writes-before, err)
	}
	did := a.push(s)
	if fmt.Sprint(would.Stages, would.Removed) != fmt.Sprint(did.Stages, did.Removed) {
		t.Errorf("would write %v, wrote %v", would, did)
	}
}

func TestPushNothing(t *testing.T) {
	t.Parallel()
	_, err := (&Bucket{store: newMemory()}).Push(t.Context(), Options{Root: "public", Generations: 3})
	if err == nil || !strings.Contains(err.Error(), "no suite is published") {
		t.Errorf("got %v", err)
	}
}

// TestChangedMeanwhile lets another writer in who does not care for the lock.
func TestChangedMeanwhile(t *testing.T) {
	t.Parallel()
	a, s := newArchive(t), newMemory()
	a.push(s)
	a.publish(newDeb(t, "kubelet", "1.36.1-1.1"))
	const theirs = "dists/stable/InRelease"
	s.onPut = func(key string) {
		if apt.StageOf(key) == apt.StageRelease && s.objects[theirs].version[0] == 'v' {
			s.set(theirs, "theirs")
		}
	}
	o := a.options()
	_, err := (&Bucket{store: s}).Push(t.Context(), o)
	if !errors.Is(err, errChanged) || string(s.objects[theirs].data) != "theirs" {
		t.Errorf("got %v, and InRelease is %q", err, s.objects[theirs].data)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	a, s := newArchive(t), newMemory()
	ctx, cancel := context.WithCancel(t.Context())
	s.onPut = func(string) { cancel() }
	if _, err := (&Bucket{store: s}).Push(ctx, a.options()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if text, _, err := readLock(t.Context(), s); err != nil || text.Holder != "" {
		t.Errorf("the lock says %+v, %v", text, err)
	}
}
