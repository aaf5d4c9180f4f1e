package build

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"kubedist/pkg/build/buildtest"
	"kubedist/pkg/hint"
	"kubedist/pkg/ledger"
	"kubedist/pkg/platform"
)

// hello is a program in C of two files, one of which the other includes.
var hello = map[string]string{
	"c/hello.c":     "#include <stdio.h>\n#include \"greeting.h\"\n#define S(x) #x\n#define TEXT(x) S(x)\nint main(void) { return printf(\"%s \" TEXT(VERSION) \" %s\\n\", GREETING, __FILE__) < 0; }\n",
	"c/greeting.h":  "#define GREETING \"hello\"\n",
	"c/unlisted.h":  "#define GREETING \"not declared\"\n",
	"c/unrelated.c": "#error\n",
}

var amd64 = platform.Platform{ID: platform.ID{OS: "linux", Arch: "amd64"}, ELF: &platform.ELF{Class: 64, Order: "little", Machine: "EM_X86_64"}}

// cJob writes the files of a program and returns a job that compiles it with cc.
func cJob(t *testing.T, files map[string]string, cc string) Job {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	source, err := ReadCSource(dir, []string{"c/greeting.h", "c/hello.c"}, []string{"-Os", "-Wall", "-Werror", "-static", "-s", "-DVERSION=v1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	return Job{
		Name: "linux/amd64 hello in C", Dir: dir, Platform: amd64, Cgo: &Cgo{CC: cc, Origin: cc}, C: source,
		Programs: []Program{{Name: "hello", Dest: filepath.Join(t.TempDir(), "bin", "hello")}},
	}
}

// standIn is the program of these tests as a C compiler.
func standIn(t *testing.T, machine string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return self + " " + buildtest.Flag + " " + machine
}

// hostCompiler is the one of the machine.
func hostCompiler(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("these tests compile for linux/amd64")
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("gcc is not installed")
	}
	return "gcc"
}

func compileC(ctx context.Context, job Job) error {
	_, err := C(COptions{Environ: os.Environ()}).Compile(ctx, job)
	return err
}

// TestC compiles with the compiler of the machine in two places: the program runs, says nothing of where it was made, and is
// the same.
func TestC(t *testing.T) {
	t.Parallel()
	cc := hostCompiler(t)
	var programs [2][]byte
	for i := range programs {
		job := cJob(t, hello, cc)
		job.C.Flags = append(job.C.Flags, "-g") // which has the compiler name directories, before they are stripped
		if err := compileC(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		dest := job.Programs[0].Dest
		said, err := exec.CommandContext(t.Context(), dest).Output()
		if err != nil || string(said) != "hello v1.2.3 c/hello.c\n" {
			t.Errorf("%q, %v", said, err)
		}
		info, err := os.Stat(dest)
		if err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		if programs[i], err = os.ReadFile(dest); err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadDir(filepath.Dir(dest))
		if err != nil || len(left) != 1 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
	if string(programs[0]) != string(programs[1]) {
		t.Error("two places give two programs")
	}
}

// TestCDebug: debugging symbols that are kept name no directory of the machine either.
func TestCDebug(t *testing.T) {
	t.Parallel()
	job := cJob(t, hello, hostCompiler(t))
	job.C.Flags = []string{"-g", "-static", "-DVERSION=v1.2.3"}
	if err := compileC(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(job.Programs[0].Dest)
	if err != nil {
		t.Fatal(err)
	}
	if dir := filepath.Dir(job.Programs[0].Dest); strings.Contains(string(data), dir) || !strings.Contains(string(data), insideSource) {
		t.Errorf("it names %s", dir)
	}
}

// TestCFails: nothing gets the program's name, and the error has the compiler's words, or says what is wrong with what it made.
func TestCFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		change     func(j *Job)
		want, hint string
	}{
		{"error in C", func(j *Job) { j.C.Flags = append(j.C.Flags, "-DGREETING=undefined") }, "compiling linux/amd64 hello in C: gcc:\n", "--keep-going"},
		{"header that is not declared", func(j *Job) { j.C.Files = j.C.Files[1:] }, "c/hello.c:2:10: fatal error: greeting.h: No such file", "--keep-going"},
		{"not static", func(j *Job) { j.C.Flags = []string{"-DVERSION=v1"} }, "is not static: it names a program interpreter", "-static"},
		{"object", func(j *Job) { j.C.Flags = append(j.C.Flags, "-c") }, "is no program (ET_REL)", ""},
		{"wrong machine", func(j *Job) {
			j.Platform = platform.Platform{ID: platform.ID{OS: "linux", Arch: "s390x"}, ELF: &platform.ELF{Class: 64, Order: "big", Machine: "EM_S390"}}
		}, "is for EM_X86_64 (64 bit, little endian), linux/s390x needs EM_S390", "gcc has to be a C compiler for linux/s390x"},
		{"compiler that is not there", func(j *Job) { j.Cgo.CC = "no-such-gcc -m64" }, "no-such-gcc: exec:", ""},
		{"no compiler", func(j *Job) { j.Cgo.CC = " " }, "no C compiler", ""},
		{"compiler that writes nothing", func(j *Job) { j.Cgo.CC = "true" }, "no such file", ""},
		{"compiler without words", func(j *Job) { j.Cgo.CC = "false" }, "false: exit status 1", ""},
		{"source that has changed", func(j *Job) { j.C.Files[0].SHA256 = strings.Repeat("0", 64) }, "c/greeting.h: changed while", ""},
		{"source that is gone", func(j *Job) { j.C.Files[0].Name = "c/none.h" }, "C file: stat", ""},
		{"source outside", func(j *Job) { j.C.Files[0].Name = "../x.h" }, "path escapes", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			job := cJob(t, hello, hostCompiler(t))
			c.change(&job)
			err := compileC(t.Context(), job)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(hint.Of(err), c.hint) {
				t.Errorf("error %v, hint %q; want %q, %q", err, hint.Of(err), c.want, c.hint)
			}
			left, err := os.ReadDir(filepath.Dir(job.Programs[0].Dest))
			if err != nil && !errors.Is(err, os.ErrNotExist) || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// A program that depends on the time is refused.
func TestCTime(t *testing.T) {
	t.Parallel()
	job := cJob(t, map[string]string{"c/greeting.h": "", "c/hello.c": "const char *now = __DATE__;\nint main(void) { return *now; }\n"}, hostCompiler(t))
	if err := compileC(t.Context(), job); err == nil || !strings.Contains(err.Error(), "date-time") {
		t.Errorf("error %v", err)
	}
}

// TestCStopped: the end of the context ends the compiler, and is the error.
func TestCStopped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped")
	cancel(stop)
	if err := compileC(ctx, cJob(t, hello, standIn(t, "64/little/EM_X86_64"))); !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
}

// TestCCached: a program is compiled once for the same files, flags and compiler, in whatever tree they are.
func TestCCached(t *testing.T) {
	t.Parallel()
	job := cJob(t, hello, standIn(t, "64/little/EM_X86_64"))
	l := ledger.New(filepath.Dir(filepath.Dir(job.Programs[0].Dest)))
	for i := range 2 {
		result, err := Cached(C(COptions{}), l).Compile(t.Context(), job)
		if err != nil || result.Reused != (i == 1) || len(result.Files) != 1 || result.Files[0].Path != "bin/hello" {
			t.Errorf("run %d: %+v, %v", i, result, err)
		}
	}
	base := job.Key()
	other := cJob(t, map[string]string{"c/greeting.h": hello["c/greeting.h"], "c/hello.c": hello["c/hello.c"], "more.c": ""}, job.Cgo.CC)
	other.Name, other.Tree = "another", "another"
	if other.Key() != base {
		t.Error("the tree decides the key")
	}
	for name, change := range map[string]func(*Job){
		"a file":       func(j *Job) { j.C.Files[1].SHA256 = "x" },
		"a name":       func(j *Job) { j.C.Files[1].Name = "x.c" },
		"a flag":       func(j *Job) { j.C.Flags[0] = "-O2" },
		"the compiler": func(j *Job) { j.Cgo.Origin = "x" },
		"the platform": func(j *Job) { j.Platform.ID.Arch = "x" },
		"the program":  func(j *Job) { j.Programs[0].Dest = "/x" },
	} {
		changed := cJob(t, hello, job.Cgo.CC)
		changed.Programs[0].Dest = job.Programs[0].Dest
		if change(&changed); changed.Key() == base {
			t.Errorf("%s is not in the key", name)
		}
	}
}

// TestReadCSource refuses what is no file of the tree.
func TestReadCSource(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(outside, "x.c"), nil, 0o600), os.Symlink(filepath.Join(outside, "x.c"), filepath.Join(dir, "link.c")),
		os.Mkdir(filepath.Join(dir, "dir.c"), 0o700), os.WriteFile(filepath.Join(dir, "large.c"), nil, 0o600), os.Truncate(filepath.Join(dir, "large.c"), maxCFile+1)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"link.c": "path escapes", "../x.c": "path escapes", "dir.c": "not a regular file", "none.c": "no such file", "large.c": "larger than",
	} {
		if _, err := ReadCSource(dir, []string{name}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
}
