package release

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	spdxjson "github.com/spdx/tools-golang/json"

	"kubedist/pkg/buildroot"
	"kubedist/pkg/hint"
	"kubedist/pkg/mirror"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/platform"
	"kubedist/pkg/spec"
)

// pause is a release of that program alone.
func pause(t *testing.T, until Step, platforms ...string) Options {
	t.Helper()
	o := smallRelease(t, newKey(t), platforms...)
	o.Selection.Programs, o.Selection.Until, o.Archive = []string{"pause"}, until, nil
	return o
}

// without returns environ without the variable called name.
func without(environ []string, name string) []string {
	var rest []string
	for _, entry := range environ {
		if !strings.HasPrefix(entry, name+"=") {
			rest = append(rest, entry)
		}
	}
	return rest
}

// TestCPrograms makes a program in C for two platforms and looks at what the release says of it.
func TestCPrograms(t *testing.T) {
	t.Parallel()
	o := pause(t, Publish, "linux/s390x", "linux/arm/v7")
	result := mustRun(t, o)
	var paths []string
	for _, a := range result.Artifacts {
		if a.Kind == Binary {
			paths = append(paths, a.Path)
		}
		if a.Kind == Binary && (a.Name != "pause" || a.Version != "3.10.2" || a.Main != "" || a.Source != "kubernetes") {
			t.Errorf("artifact %+v", a)
		}
	}
	if got := strings.Join(paths, " "); got != "bin/linux/armv7/pause bin/linux/s390x/pause" {
		t.Errorf("made %s", got)
	}
	v, err := Verify(t.Context(), o.Dir(), VerifyOptions{Keyring: []*openpgp.Certificate{o.Signer.Public()}, Spec: o.Spec, Now: epoch, Jobs: 2})
	if err != nil || len(v.Findings) > 0 {
		t.Errorf("verifying: %v, %+v", err, v)
	}
	data, err := os.ReadFile(filepath.Join(o.Dir(), "bin", "linux", "armv7", "pause"))
	if err != nil || !strings.Contains(string(data), "build/pause/linux/pause.c\n") || !strings.Contains(string(data), "-DVERSION=v3.10.2\n") {
		t.Errorf("it is made of %q, %v", data, err)
	}
	f, err := os.Open(filepath.Join(o.Dir(), "sbom", "kubernetes-v1.36.3.spdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, err := spdxjson.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	var files, packages []string
	for _, f := range d.Files {
		files = append(files, f.FileName+" "+strings.Join(f.FileTypes, " "))
	}
	for _, p := range d.Packages {
		packages = append(packages, p.PackageName+" "+p.PackageVersion)
	}
	if got := strings.Join(files, ", "); got != "./bin/linux/armv7/pause BINARY, ./bin/linux/s390x/pause BINARY, ./source/kubernetes/build/pause/linux/pause.c SOURCE" {
		t.Errorf("files %s", got)
	}
	if got := strings.Join(packages, ", "); got != "kubernetes v1.36.3, pause 3.10.2" {
		t.Errorf("packages %s", got)
	}
	compilers := statement(t, o.Dir(), o.Signer.(*openpgp.Key)).Predicate.BuildDefinition.Internal.Toolchains[0].C
	if len(compilers) != 2 || !strings.HasPrefix(compilers["linux/s390x"], "CC_linux_s390x=") {
		t.Errorf("compilers %v", compilers)
	}
	if again := mustRun(t, o); !again.UpToDate {
		t.Error("the second run found something to do")
	}
}

// TestCFails: what cannot be compiled is said before anything is.
func TestCFails(t *testing.T) {
	t.Parallel()
	tree := func(name, text string) func(*testing.T, *Options) {
		return func(t *testing.T, o *Options) {
			dir := filepath.Join(t.TempDir(), "kubernetes")
			if err := os.CopyFS(dir, os.DirFS(smallTree("kubernetes"))); err != nil {
				t.Fatal(err)
			}
			o.Sources["kubernetes"] = dir
			if text == "" {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			} else if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	const file, constants = "build/pause/linux/pause.c", "cmd/kubeadm/app/constants/constants.go"
	for name, c := range map[string]struct {
		change     func(t *testing.T, o *Options)
		want, hint string
	}{
		"no source":    {tree(file, ""), "source of pause: C file: stat", ""},
		"no version":   {tree(constants, "package constants\n"), "version of pause: " + constants + " of kubernetes v1.36.3:", "correct the expression"},
		"two versions": {tree(constants, "PauseVersion = \"1\"\nPauseVersion = \"2\"\n"), "matches more than once", ""},
		"error in C":   {tree(file, "#error\n"), "compiling linux/s390x pause in C: ", "--keep-going"},
		"wrong compiler": {func(_ *testing.T, o *Options) {
			o.Environ = append(without(o.Environ, "CC_linux_s390x"), "CC_linux_s390x=true")
		}, "compiling linux/s390x pause in C: ", ""},
		"compiler of another machine": {func(_ *testing.T, o *Options) {
			for _, entry := range o.Environ {
				if cc, ok := strings.CutPrefix(entry, "CC_linux_arm64="); ok {
					o.Environ = append(without(o.Environ, "CC_linux_s390x"), "CC_linux_s390x="+cc)
				}
			}
		}, "linux/s390x needs EM_S390", "has to be a C compiler for linux/s390x"},
		"compiler that is not there": {func(_ *testing.T, o *Options) {
			o.Environ = append(without(o.Environ, "CC_linux_s390x"), "CC_linux_s390x=no-such-gcc")
		}, "CC_linux_s390x: exec:", "install the compiler"},
		"tool chain of another machine": {func(_ *testing.T, o *Options) {
			o.Environ = without(o.Environ, "CC_linux_s390x")
			o.Spec.Toolchains[0].Architecture = "hurd-i386"
		}, "does not run on this machine", "CC_linux_arm64=aarch64-linux-gnu-gcc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := pause(t, Build, "linux/s390x")
			c.change(t, &o)
			_, err := Run(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(hint.Of(err), c.hint) {
				t.Errorf("error %v, hint %q; want %q, %q", err, hint.Of(err), c.want, c.hint)
			}
			if left, err := filepath.Glob(filepath.Join(o.Dir(), "bin", "*", "*", "*")); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// TestCPlanned: programs in C are made with all programs and by name, and not for packages or tarballs that do not hold them.
func TestCPlanned(t *testing.T) {
	t.Parallel()
	s := realSpec(t)
	for _, c := range []struct {
		name string
		sel  Selection
		want int
	}{
		{"all", Selection{Until: Publish}, 1}, {"build", Selection{Until: Build}, 1}, {"by name", Selection{Until: Build, Programs: []string{"pause"}}, 1},
		{"packages", Selection{Until: Debs}, 0}, {"tarballs", Selection{Until: Tars}, 0}, {"a package", Selection{Until: Publish, Packages: []string{"kubelet"}}, 0},
		{"another program", Selection{Until: Build, Programs: []string{"kubelet"}}, 0},
	} {
		c.sel.Platforms, c.sel.Revision, c.sel.Host = ids(t, "linux/arm64"), "1.1", platform.ID{OS: "linux", Arch: "arm64"}
		plan, err := NewPlan(s, inputs("v1.36.3"), c.sel)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for _, compile := range plan.Platforms[0].Compiles {
			if compile.C {
				got += len(compile.Programs)
			}
		}
		if got != c.want {
			t.Errorf("%s: %d programs in C, want %d", c.name, got, c.want)
		}
	}
}

// TestCInTheToolChain makes the program with the compilers of the tool chain, which is fetched where a mirror of Debian is
// known, and runs it where the machine or QEMU can.
func TestCInTheToolChain(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("fetches half a gigabyte")
	}
	cache := os.Getenv("KUBEDIST_CACHE")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			t.Skip(err)
		}
		cache = filepath.Join(dir, "kubedist")
	}
	var sums [2]map[string]string
	for i := range sums {
		o := pause(t, Publish, "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/ppc64le", "linux/s390x", "linux/riscv64")
		o.CacheDir, o.Environ = cache, os.Environ()
		for _, p := range o.Spec.Platforms {
			o.Environ = without(o.Environ, compilerVariable(p.ID))
		}
		result, err := Run(t.Context(), o)
		if errors.Is(err, buildroot.ErrMachine) || errors.Is(err, buildroot.ErrRefused) || errors.Is(err, mirror.ErrNone) || errors.Is(err, mirror.ErrGone) || errors.Is(err, mirror.ErrNoAnswer) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = map[string]string{}
		for _, a := range result.Artifacts {
			if a.Kind == Binary || a.Kind == SBOM {
				sums[i][a.Path] = a.SHA256
			}
			if a.Kind == Binary && i == 0 {
				runPause(t, o.Spec, a, filepath.Join(o.Dir(), filepath.FromSlash(a.Path)))
			}
		}
		checkLibraries(t, o)
		v, err := Verify(t.Context(), o.Dir(), VerifyOptions{Keyring: []*openpgp.Certificate{o.Signer.Public()}, Spec: o.Spec, Now: epoch, Jobs: 2})
		if err != nil || len(v.Findings) > 0 {
			t.Errorf("verifying: %v, %+v", err, v)
		}
	}
	for name, sum := range sums[0] {
		if sums[1][name] != sum {
			t.Errorf("%s: %s, and when it is made again %s", name, sum, sums[1][name])
		}
	}
}

// runPause asks the program for its version.
func runPause(t *testing.T, s *spec.Spec, a Artifact, path string) {
	t.Helper()
	id, err := platform.Parse(a.Platform)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := s.Platform(id)
	args := []string{path, "-v"}
	if id.Arch != runtime.GOARCH {
		args = append([]string{"qemu-" + p.QEMU + "-static"}, args...)
	}
	if _, err := exec.LookPath(args[0]); err != nil {
		t.Logf("%s is not run: %v", a.Path, err)
		return
	}
	if said, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil || string(said) != "pause.c v3.10.2\n" {
		t.Errorf("%s says %q, %v", a.Path, said, err)
	}
}

// checkLibraries finds the C library of one platform in the SBOM.
func checkLibraries(t *testing.T, o Options) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(o.Dir(), "sbom", "kubernetes-v1.36.3.spdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"pkg:deb/debian/libc6-dev@2.31-", "pkg:deb/debian/libc6-dev-riscv64-cross@2.31-9cross4?arch=all", "pkg:deb/debian/libgcc-10-dev-s390x-cross@10.2.1-6cross1?arch=all",
		"STATIC_LINK", "pkg:generic/pause@3.10.2",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the SBOM does not have %s", want)
		}
	}
}
