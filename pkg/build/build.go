// Package build knows how a source tree becomes binaries: one `go build` per platform and way of linking, with as many
// processes and as much memory as a budget allows, one run of a C compiler for each program in C, and not at all when
// nothing changed. It does not know which programs
// there are, where trees come from, nor which builds run beside each other.
package build

import (
	"context"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"kubedist/pkg/buildroot"
	"kubedist/pkg/ledger"
	"kubedist/pkg/platform"
)

// Program is one binary of a Job.
type Program struct {
	Name string // what go build calls the file, less .exe: see [FileName]
	Main string // import path of the main package; "" of a program in C
	Dest string // where the finished binary goes
}

// FileName is what go build calls the program of a main package, less .exe: the last element of its path, or the one
// before where that is the major version of a module (go help build).
func FileName(main string) string {
	name := path.Base(main)
	if n, ok := strings.CutPrefix(name, "v"); ok && path.Dir(main) != "." && n != "1" && n != "" && n[0] != '0' && strings.Trim(n, "0123456789") == "" {
		return path.Base(path.Dir(main))
	}
	return name
}

// VCS is the version control stamp of a tree: what the go command writes into programs (go help buildvcs).
type VCS struct {
	Commit string
	Time   time.Time
	Tag    string
	State  string // of the tree: clean, dirty
	// Checkout says that git itself knows all of this. Where it does not, a stand-in for git tells go.
	Checkout bool
}

// Cgo says what compiles and links the C part of programs, or a program in C.
type Cgo struct {
	CC     string // name or path of the C compiler, with arguments; "" for the one that go chooses
	Origin string // identifies the compiler, where its name does not
	// Root is the root that the compiler lies in, where go runs too; nil is a compiler on the machine itself.
	Root Root
}

// Root is another root to run commands in: a [buildroot.Root].
type Root interface {
	// Wrap makes a command run in the root. Its path, directory and environment are names there, and binds show
	// directories of the machine.
	Wrap(cmd *exec.Cmd, binds []buildroot.Bind) error
}

// Job is one go build: programs of one tree, for one platform, linked one way. Packages that they share are compiled
// once. With C it is one program in C, and what only Go needs is left out.
type Job struct {
	Name      string   // what messages and the ledger call it: "linux/arm64 kubernetes"
	Module    string   // path of the tree's main module
	Dir       string   // the directory with go.work or go.mod, absolute; only read
	Tree      string   // digest of all the source that the programs are made from
	Toolchain string   // GOTOOLCHAIN: go1.26.5, or local
	GoVersion string   // what that tool chain calls itself: go1.26.5
	Env       []string // what the go command needs to know of the tree: its workspace
	Platform  platform.Platform
	Tags      []string
	Ldflags   string // complete value of -ldflags
	Suffix    string // -installsuffix
	VCS       *VCS   // the version control stamp that the programs carry; nil for none
	Cgo       *Cgo   // nil links without the C library
	C         *CSource
	Programs  []Program
	// Anew says that programs which are in place already do not count.
	Anew bool
	// Shared says that other jobs compile at the same time, now and after this one, and are to be left a core.
	Shared bool
}

// Key digests all that decides the bytes of a job's programs. Where they are built, and how many at a time, is no part
// of it.
func (j Job) Key() string {
	if j.C != nil {
		return j.C.key(j)
	}
	mains := make([]string, len(j.Programs))
	dests := make([]string, len(j.Programs))
	for i, p := range j.Programs {
		mains[i], dests[i] = p.Main, filepath.Base(p.Dest)
	}
	parts := []any{"compile", 1, j.Tree, j.GoVersion, j.Platform, j.args(), mains, dests}
	if j.VCS != nil {
		parts = append(parts, j.VCS)
	}
	if j.Cgo != nil {
		parts = append(parts, j.Cgo.CC, j.Cgo.Origin)
	}
	return ledger.Key(parts...)
}

// args is the part of the command line that decides the bytes.
func (j Job) args() []string {
	args := []string{"-trimpath", "-buildvcs=" + strconv.FormatBool(j.VCS != nil)}
	if j.Suffix != "" {
		args = append(args, "-installsuffix="+j.Suffix)
	}
	if len(j.Tags) > 0 {
		tags := ""
		for _, t := range j.Tags {
			tags += t + ","
		}
		args = append(args, "-tags="+tags)
	}
	return append(args, "-ldflags="+j.Ldflags)
}

// Result is what a Compiler made of a job.
type Result struct {
	Files  []ledger.File // one per program, in the job's order
	Reused bool          // nothing had to be compiled
}

// Compiler turns a job into binaries at the programs' destinations. When it returns an error, each destination holds
// what it held before or a complete new binary.
type Compiler interface {
	Compile(ctx context.Context, job Job) (Result, error)
}

// paths returns the destinations of j's programs.
func (j Job) paths() []string {
	var paths []string
	for _, p := range j.Programs {
		paths = append(paths, p.Dest)
	}
	return paths
}
