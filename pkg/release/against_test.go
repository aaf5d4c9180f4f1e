package release

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/platform"
	"kubedist/pkg/published"
)

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// fakeRelease writes a directory with a release.json and programs, which are texts: path to content.
func fakeRelease(t *testing.T, stamp Stamp, programs map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	m := Manifest{Schema: 1, Version: "v1.34.0", Stamp: stamp}
	for path, text := range programs {
		parts := strings.Split(path, "/")
		a := Artifact{Path: path, Kind: Binary, Name: parts[3], Version: "v1.34.0", Platform: parts[1] + "/" + parts[2], SHA256: sha(text)}
		if a.Name == "bridge" {
			a.Version = "v1.9.1"
		}
		m.Artifacts = append(m.Artifacts, a)
		file := filepath.Join(dir, filepath.FromSlash(path))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	data, err := json.Marshal(m)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, ManifestName), data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// entry is a published checksum of the program with content text.
func entry(program, on, version, text string) published.Entry {
	id, err := platform.Parse(on)
	if err != nil {
		panic(err)
	}
	return published.Entry{Program: program, Platform: id, Version: version, SHA256: sha(text), Place: "list"}
}

// results writes a comparison for comparison.
func results(c *Comparison) []string {
	var list []string
	for _, p := range c.Programs {
		list = append(list, p.Program+" "+p.Platform+" "+string(p.Status))
	}
	return list
}

func TestAgainst(t *testing.T) {
	t.Parallel()
	s := realSpec(t)
	dir := fakeRelease(t, Stamp{}, map[string]string{
		"bin/linux/amd64/kubeadm": "a", "bin/linux/arm64/kubeadm": "b", "bin/linux/riscv64/kubeadm": "c", "bin/linux/amd64/kubelet": "d", "bin/linux/amd64/bridge": "e",
	})
	list := &published.Checksums{Entries: []published.Entry{
		entry("kubeadm", "linux/amd64", "v1.34.0", "a"), entry("kubeadm", "linux/arm64", "", "other"), entry("kubelet", "linux/amd64", "v1.34.1", "d"),
		entry("kubectl", "linux/amd64", "v1.34.0", "x"),
	}}
	c, err := Against(t.Context(), dir, AgainstOptions{Published: list, Spec: s})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"kubeadm linux/amd64 identical", "kubeadm linux/arm64 different", "kubeadm linux/riscv64 unpublished", "kubectl linux/amd64 missing", "kubelet linux/amd64 unpublished"}
	if got := results(c); !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if !slices.Equal(c.Beyond, []string{"bridge"}) || c.Count(Identical) != 1 {
		t.Errorf("beyond %v, %d identical", c.Beyond, c.Count(Identical))
	}
	if p := c.Programs[1]; p.Expected != sha("other") || p.Got != sha("b") || p.Source != "list" {
		t.Errorf("different: %+v", p)
	}
	// A selection narrows all of it.
	c, err = Against(t.Context(), dir, AgainstOptions{Published: list, Spec: s, Programs: []string{"kubeadm"}, Platforms: []platform.ID{{OS: "linux", Arch: "amd64"}}})
	if err != nil || !slices.Equal(results(c), want[:1]) {
		t.Errorf("a selection: %v, %v", c, err)
	}
	// A comparison of nothing is no success.
	if _, err := Against(t.Context(), dir, AgainstOptions{Published: list, Spec: s, Programs: []string{"kubelet"}}); !errors.Is(err, ErrNothingCompared) {
		t.Errorf("nothing: %v", err)
	}
}

// TestAgainstReadsTheBytes: what release.json says does not make a program identical.
func TestAgainstReadsTheBytes(t *testing.T) {
	t.Parallel()
	dir := fakeRelease(t, Stamp{}, map[string]string{"bin/linux/amd64/kubeadm": "a", "bin/linux/amd64/kubelet": "b", "bin/linux/amd64/kubectl": "c"})
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, "bin", "linux", "amd64", "kubeadm"), []byte("changed"), 0o755),
		os.Remove(filepath.Join(dir, "bin", "linux", "amd64", "kubelet")),
	); err != nil {
		t.Fatal(err)
	}
	list := &published.Checksums{Entries: []published.Entry{entry("kubeadm", "linux/amd64", "", "a"), entry("kubelet", "linux/amd64", "", "b"), entry("kubectl", "linux/amd64", "", "c")}}
	c, err := Against(t.Context(), dir, AgainstOptions{Published: list, Spec: realSpec(t), Jobs: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := results(c), []string{"kubeadm linux/amd64 different", "kubectl linux/amd64 identical", "kubelet linux/amd64 missing"}; !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if notes := strings.Join(c.Programs[0].Notes, "\n"); !strings.Contains(notes, "changed after the release was made") {
		t.Errorf("notes %q", notes)
	}
	// A link must not lead out of the release.
	link := filepath.Join(dir, "bin", "linux", "amd64", "kubectl")
	if err := errors.Join(os.Remove(link), os.Symlink(filepath.Join(t.TempDir(), "c"), link)); err != nil {
		t.Fatal(err)
	}
	if _, err := Against(t.Context(), dir, AgainstOptions{Published: list, Spec: realSpec(t)}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a link: %v", err)
	}
}

// TestAgainstExplains: with the published program at hand both are compared, unless it is another one.
func TestAgainstExplains(t *testing.T) {
	t.Parallel()
	dir := fakeRelease(t, Stamp{}, map[string]string{"bin/linux/amd64/kubeadm": "ours", "bin/linux/arm64/kubeadm": "ours"})
	beside := filepath.Join(t.TempDir(), "kubeadm")
	if err := os.WriteFile(beside, []byte("theirs"), 0o644); err != nil {
		t.Fatal(err)
	}
	list := &published.Checksums{Entries: []published.Entry{entry("kubeadm", "linux/amd64", "", "theirs"), entry("kubeadm", "linux/arm64", "", "else")}}
	list.Entries[0].File, list.Entries[1].File = beside, beside
	c, err := Against(t.Context(), dir, AgainstOptions{Published: list, Spec: realSpec(t)})
	if err != nil {
		t.Fatal(err)
	}
	if p := c.Programs[0]; p.Difference == nil || p.Difference.Offset != 0 {
		t.Errorf("with the program: %+v", p)
	}
	if p := c.Programs[1]; p.Difference != nil || !strings.Contains(strings.Join(p.Notes, "\n"), "is not the published program") {
		t.Errorf("with another program: %+v", p)
	}
}

// TestAgainstTwice: of two programs of one name none is taken for the other.
func TestAgainstTwice(t *testing.T) {
	t.Parallel()
	m := &Manifest{Version: "v1.34.0", Artifacts: []Artifact{
		{Kind: Binary, Name: "kubelet", Version: "v1.34.0", Platform: "linux/amd64", Path: "bin/linux/amd64/kubelet"},
		{Kind: Binary, Name: "kubelet", Version: "v1.34.0", Platform: "linux/amd64", Path: "x/kubelet"},
	}}
	list := &published.Checksums{Entries: []published.Entry{entry("kubelet", "linux/amd64", "", "theirs")}}
	if _, err := against(t.Context(), t.TempDir(), m, AgainstOptions{Published: list, Spec: realSpec(t)}); err == nil || !strings.Contains(err.Error(), "lists kubelet of linux/amd64 twice") {
		t.Errorf("error %v", err)
	}
}

// TestStampNotes tells a wrong stamp from a real difference.
func TestStampNotes(t *testing.T) {
	t.Parallel()
	s := realSpec(t)
	known, ok := s.Release("v1.34.0")
	if !ok {
		t.Fatal("nothing is known of v1.34.0")
	}
	right := Stamp{Commit: known.Commit, GitTreeState: "clean", BuildDate: known.Passes[0].BuildDate}
	for name, test := range map[string]struct {
		version, program string
		change           func(*Stamp)
		want             []string
	}{
		"right":           {"v1.34.0", "kubeadm", func(*Stamp) {}, []string{"a real one"}},
		"other commit":    {"v1.34.0", "kubeadm", func(x *Stamp) { x.Commit = "" }, []string{`commit is "", that of the published program is "f28b`}},
		"other state":     {"v1.34.0", "kubelet", func(x *Stamp) { x.GitTreeState = "archive" }, []string{`tree state is "archive"`}},
		"other date":      {"v1.34.0", "kubelet", func(x *Stamp) { x.BuildDate = x.BuildDate.Add(time.Second) }, []string{"build date is 2025-08-27T10:16:00Z, that of the published program is 2025-08-27T10:15:59Z"}},
		"unknown pass":    {"v1.34.0", "kubectl", func(*Stamp) {}, []string{"build date of the published program is not known"}},
		"unknown release": {"v1.33.0", "kubeadm", func(*Stamp) {}, []string{"none is known of the published v1.33.0"}},
		"other project":   {"v1.34.0", "crictl", func(*Stamp) {}, nil},
	} {
		stamp := right
		test.change(&stamp)
		got := stampNotes(&Manifest{Version: test.version, Stamp: stamp}, s, Artifact{Name: test.program})
		if !slices.EqualFunc(got, test.want, strings.Contains) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestKnownChecksums(t *testing.T) {
	t.Parallel()
	s := realSpec(t)
	c, ok := KnownChecksums(s, "v1.34.0")
	if !ok || len(c.Of("v1.34.0")) != 10 || len(c.Of("v1.34.1")) != 0 {
		t.Errorf("v1.34.0: %+v", c)
	}
	if _, ok := KnownChecksums(s, "SHA256SUMS"); ok {
		t.Error("checksums of a version that is none")
	}
	o := PublishedOptions(s)
	if !slices.Contains(o.Programs, "kubelet") || slices.Contains(o.Programs, "crictl") || len(o.Platforms) != len(s.Platforms) {
		t.Errorf("options %+v", o)
	}
}
