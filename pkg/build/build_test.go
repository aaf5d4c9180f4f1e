package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"kubedist/pkg/gocmd"
	"kubedist/pkg/hint"
	"kubedist/pkg/ledger"
	"kubedist/pkg/platform"
)

// module writes a Go module with two programs and returns a job that compiles them.
func module(t *testing.T, id platform.ID, elf *platform.ELF) Job {
	t.Helper()
	dir, out := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"go.mod":         "module example.org/m\n\ngo 1.26\n",
		"one/main.go":    "package main\n\nvar version = \"unset\"\n\nfunc main() { println(\"one\", version) }\n",
		"two/main.go":    "package main\n\nfunc main() { println(\"two\") }\n",
		"broken/main.go": "package main\n\nfunc main() { undefined() }\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Job{
		Name: id.String() + " m", Dir: dir, Tree: "digest", Toolchain: gocmd.Local, GoVersion: runtime.Version(), Env: []string{"GOWORK=off"},
		Platform: platform.Platform{ID: id, ELF: elf}, Ldflags: "all=-X 'main.version=v1.2.3'  -s -w", Tags: []string{"a", "b"}, Suffix: "static",
		Programs: []Program{{"one", "example.org/m/one", filepath.Join(out, "bin", "one")}, {"two", "example.org/m/two", filepath.Join(out, "tools", "two")}},
	}
}

func newGo(t *testing.T) *gocmd.Go {
	t.Helper()
	g, err := gocmd.New(t.Context(), gocmd.Options{Toolchain: gocmd.Local, Environ: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestCompile(t *testing.T) {
	t.Parallel()
	host := platform.ID{OS: runtime.GOOS, Arch: runtime.GOARCH}
	job := module(t, host, nil)
	root := filepath.Dir(filepath.Dir(job.Programs[0].Dest))
	calls := 0
	counted := compilerFunc(func(ctx context.Context, j Job) (Result, error) {
		calls++
		return Go(Options{Go: newGo(t), Budget: Budget{Cores: 2, Memory: 8 << 30}}).Compile(ctx, j)
	})
	for i := range 2 {
		job.Programs[1].Dest = filepath.Join(root, "tools", "two")
		result, err := Cached(counted, ledger.New(root)).Compile(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		if result.Reused != (i == 1) || len(result.Files) != 2 || result.Files[0].Path != "bin/one" {
			t.Errorf("run %d: %+v", i, result)
		}
	}
	if calls != 1 {
		t.Errorf("compiled %d times", calls)
	}
	for _, p := range job.Programs {
		info, err := os.Stat(p.Dest)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o755 {
			t.Errorf("%s has mode %v", p.Dest, info.Mode())
		}
	}
	left, err := filepath.Glob(filepath.Join(root, "bin", ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

type compilerFunc func(context.Context, Job) (Result, error)

func (f compilerFunc) Compile(ctx context.Context, j Job) (Result, error) { return f(ctx, j) }

// TestCompileFails: no program of a failed build appears, and the error has the job's name and the compiler's words.
func TestCompileFails(t *testing.T) {
	t.Parallel()
	job := module(t, platform.ID{OS: "linux", Arch: "arm64"}, nil)
	job.Programs[1].Main = "example.org/m/broken"
	_, err := Go(Options{Go: newGo(t), Budget: Budget{Cores: 1, Memory: 1 << 30}}).Compile(t.Context(), job)
	if err == nil || !strings.Contains(err.Error(), "compiling linux/arm64 m:") || !strings.Contains(err.Error(), "undefined: undefined") {
		t.Errorf("error %v", err)
	}
	if !strings.Contains(hint.Of(err), "--keep-going") {
		t.Errorf("hint %q", hint.Of(err))
	}
	if _, err := os.Stat(job.Programs[0].Dest); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a program of a failed build is there: %v", err)
	}
}

// TestWrongMachine: a binary that is not for its platform is refused before it gets its name.
func TestWrongMachine(t *testing.T) {
	t.Parallel()
	job := module(t, platform.ID{OS: "linux", Arch: "arm64"}, &platform.ELF{Class: 64, Order: "big", Machine: "EM_S390"})
	_, err := Go(Options{Go: newGo(t), Budget: Budget{Cores: 1, Memory: 1 << 30}}).Compile(t.Context(), job)
	if err == nil || !strings.Contains(err.Error(), "EM_AARCH64") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(job.Programs[0].Dest); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the binary is there: %v", err)
	}
}

// TestKey: what decides the bytes is in the key, where they are built is not.
func TestKey(t *testing.T) {
	t.Parallel()
	base := module(t, platform.ID{OS: "linux", Arch: "arm64"}, nil)
	same := base
	same.Dir, same.Name, same.Env = "/elsewhere", "other", []string{"GOWORK=/elsewhere/go.work"}
	if base.Key() != same.Key() {
		t.Error("the directory decides the key")
	}
	for name, change := range map[string]func(*Job){
		"tree":     func(j *Job) { j.Tree = "x" },
		"go":       func(j *Job) { j.GoVersion = "go1.0" },
		"platform": func(j *Job) { j.Platform.ID.Arch = "amd64" },
		"tags":     func(j *Job) { j.Tags = nil },
		"ldflags":  func(j *Job) { j.Ldflags = "" },
		"suffix":   func(j *Job) { j.Suffix = "" },
		"programs": func(j *Job) { j.Programs = j.Programs[:1] },
	} {
		changed := base
		change(&changed)
		if changed.Key() == base.Key() {
			t.Errorf("%s is not in the key", name)
		}
	}
	if args := base.args(); !slices.Contains(args, "-tags=a,b,") || !slices.Contains(args, "-trimpath") {
		t.Errorf("arguments %q", args)
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		budget Budget
		want   layout
		beside int // processes, where other jobs run too
	}{
		{Budget{Cores: 2, Memory: 23 << 30}, layout{2, 2, true}, 1},
		{Budget{Cores: 8, Memory: 64 << 30}, layout{2, 8, true}, 7},
		{Budget{Cores: 8, Memory: 16 << 30}, layout{1, 8, true}, 8},
		{Budget{Cores: 8, Memory: 8 << 30}, layout{1, 8, false}, 8},
		{Budget{Cores: 8, Memory: 4 << 30}, layout{1, 2, false}, 2},
		{Budget{Cores: 0, Memory: 512 << 20}, layout{1, 1, false}, 1},
	} {
		got := c.budget.layout()
		if got != c.want || c.budget.Lanes() != c.want.lanes {
			t.Errorf("%+v: %+v, want %+v", c.budget, got, c.want)
		}
		if alone, beside := c.budget.processes(false), c.budget.processes(true); alone != c.want.processes || beside != c.beside {
			t.Errorf("%+v: %d processes alone, %d beside others", c.budget, alone, beside)
		}
		if tuned := len(got.environment()) > 0; tuned != c.want.tuned {
			t.Errorf("%+v: environment %v", c.budget, got.environment())
		}
	}
	if b := MachineBudget(); b.Cores < 1 || b.Memory < 64<<20 {
		t.Errorf("machine budget %+v", b)
	}
}

func TestCleanScratch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{scratchPrefix + "1", scratchPrefix + "2", "kubeadm"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := cleanScratch(dir); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "kubeadm" {
		t.Errorf("left %v, %v; want kubeadm alone", left, err)
	}
}
