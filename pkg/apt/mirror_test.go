package apt_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kubedist/pkg/apt"
)

var mirrorFor = flag.Duration("mirror-for", 0, "how long at least to copy an archive while it is published")

// rsync runs rsync and returns what it itemizes: a line for each file and directory that differs.
func rsync(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "rsync", append([]string{"--itemize-changes", "--exclude=/.kubedist"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("rsync %v: %v\n%s", args, err, out)
	}
	if text := strings.TrimSpace(string(out)); text != "" {
		return strings.Split(text, "\n")
	}
	return nil
}

// TestRsyncSendsNothingTwice copies an archive with the real rsync, which goes by size and modification time.
func TestRsyncSendsNothingTwice(t *testing.T) {
	t.Parallel()
	need(t, "rsync")
	a := newArchive(t)
	packages := []string{newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"), newDeb(t, "kubectl", "1.36.1-1.1", "arm64")}
	a.publish(all, packages...)
	mirror := t.TempDir()
	if sent := rsync(t, "-rt", a.root+"/", mirror); len(sent) < 20 {
		t.Errorf("the first time it sends %v", sent)
	}
	nothing := func(what string, args ...string) {
		t.Helper()
		if sent := rsync(t, append([]string{"-rt", "--delete"}, args...)...); len(sent) > 0 {
			t.Errorf("%s: sends\n%s", what, strings.Join(sent, "\n"))
		}
	}
	nothing("the same again", a.root+"/", mirror)
	a.now = a.now.AddDate(0, 0, 7)
	a.publish(nil)
	a.publish(all, packages...)
	nothing("after publishings that change nothing", a.root+"/", mirror)

	b := newArchive(t)
	b.publish(all, packages...)
	nothing("the same archive made again elsewhere", b.root+"/", mirror)

	for i := range 6 {
		a.now = a.now.AddDate(0, 0, 7)
		a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", fmt.Sprintf("1.36.%d-1.1", i+2), "amd64"))
		before := snapshot(t, mirror)
		for _, line := range rsync(t, "-rt", "--delete", a.root+"/", mirror) {
			kind, name, _ := strings.Cut(line, " ")
			if name = strings.TrimSpace(name); strings.HasPrefix(name, "dists/stable/") || strings.Contains(name, "arm64") || strings.HasPrefix(name, "pool/main/k/kubectl/") {
				t.Errorf("nothing has changed there, but it sends %s", line)
			}
			// The date of what was replaced says when; its contents are the mirror's already.
			if _, known := before[name]; known && kind[0] == '>' && strings.Contains(name, "/by-hash/") && !strings.HasSuffix(name, "/index.html") && kind != ">f..t......" {
				t.Errorf("it sends the contents of %s again", line)
			}
		}
		nothing("what has just been copied", a.root+"/", mirror)
	}
	a.collect()
	rsync(t, "-rt", "--delete", a.root+"/", mirror)
	nothing("after garbage was collected", a.root+"/", mirror)
	m := *a
	m.root = mirror
	m.mustVerify()
	m.mustList()
}

// twoStages is what the help of repo sync-order says, with a publishing at the worst moments.
func twoStages(t *testing.T, root, mirror string, meanwhile func()) {
	t.Helper()
	frozen := filepath.Join(t.TempDir(), "frozen")
	order, err := apt.Freeze(t.Context(), root, frozen)
	if err != nil {
		t.Fatal(err)
	}
	meanwhile()
	list := filepath.Join(t.TempDir(), "stage1")
	if err := os.WriteFile(list, []byte(strings.Join(order.First, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	rsync(t, "-t", "--ignore-missing-args", "--files-from="+list, root+"/", mirror)
	meanwhile()
	rsync(t, "-rtO", "--delay-updates", frozen+"/", mirror)
	meanwhile()
}

// removeOld is the end of it: it removes from a mirror what the archive no longer has.
func removeOld(t *testing.T, root, mirror string) {
	t.Helper()
	rsync(t, "-r", "--delete", "--existing", "--ignore-existing", root+"/", mirror)
}

// TestTwoStageMirror copies an archive in two stages, again and again, with a publishing before each command, while a
// client of the mirror that starts from nothing updates and downloads what it finds. What is published within one copying
// stays below the definition's generations, which is what mirrors are promised.
func TestTwoStageMirror(t *testing.T) {
	t.Parallel()
	need(t, "rsync", "apt-get", "gpgv")
	a := newArchive(t)
	a.now = time.Now().Add(-24 * time.Hour)
	mirror := *a
	mirror.root = t.TempDir()
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.0-1.1", "amd64"))
	twoStages(t, a.root, mirror.root, func() {})
	url := mirror.serve()
	sources := a.installSources(url, "kubernetes-archive-keyring.gpg")

	version := 0
	start := time.Now()
	for round := 0; (round < 12 || time.Since(start) < *mirrorFor) && !t.Failed(); round++ {
		var client sync.WaitGroup
		update := func() {
			c := newClient(t, "amd64", sources)
			client.Go(func() {
				for _, args := range [][]string{{"update"}, {"download", "kubeadm"}} {
					if out, err := c.run("apt-get", args...); err != nil || strings.Contains(out, "W:") || strings.Contains(out, "E:") {
						t.Errorf("apt-get %v: %v\n%s", args, err, out)
					}
				}
			})
		}
		// The client starts at another moment of the copying each time.
		moment := 0
		twoStages(t, a.root, mirror.root, func() {
			if moment == round%3 {
				update()
			}
			moment++
			version++
			a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", fmt.Sprintf("1.36.%d-1.1", version), "amd64"))
		})
		client.Wait()
		removeOld(t, a.root, mirror.root) // when no client is in the middle of what it removes
		if round%4 == 3 {
			a.remove("v1.36", fmt.Sprintf("kubeadm (<< 1.36.%d)", version-5))
			a.collect()
		}
	}
	mirror.now = a.now
	twoStages(t, a.root, mirror.root, func() {})
	removeOld(t, a.root, mirror.root)
	mirror.mustVerify()
	for name := range snapshot(t, mirror.root) {
		if _, err := os.Stat(filepath.Join(a.root, name)); err != nil {
			t.Errorf("the mirror has an old %s", name)
		}
	}
	t.Logf("published %d versions in %s", version, time.Since(start))
}

func TestSyncOrder(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish([]string{"v1.36"}, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	flat := filepath.Join(a.root, "core:/stable:/v1.36/deb/amd64")
	if err := os.MkdirAll(flat, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"amd64/kubeadm_1.36.1-1.1_amd64.deb", "Packages", "InRelease"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(flat), name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	order, err := apt.ListSyncOrder(t.Context(), a.root)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "sync-order", strings.Join(order.First, "\n")+"\n\n"+strings.Join(order.Second, "\n")+"\n")
	// Both together are all files.
	n := 0
	for name := range snapshot(t, a.root) {
		if info, err := os.Stat(filepath.Join(a.root, name)); err == nil && !info.IsDir() {
			n++
		}
	}
	if got := len(order.First) + len(order.Second); got != n {
		t.Errorf("lists %d files of %d", got, n)
	}
	if err := os.WriteFile(filepath.Join(a.root, "a\nb"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := apt.ListSyncOrder(t.Context(), a.root); err == nil {
		t.Error("a name with a line break is taken for two files")
	}
}

func TestFreezeRefuses(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	if _, err := apt.Freeze(t.Context(), a.root, a.root); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("into a directory that is in use: got %v", err)
	}
	// A publishing that stays half-way is waited for as long as the context allows.
	if err := os.Remove(filepath.Join(a.root, "dists/stable/Release")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := apt.Freeze(ctx, a.root, t.TempDir()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("half-way: got %v", err)
	}
}
