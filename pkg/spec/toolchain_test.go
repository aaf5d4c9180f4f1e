package spec_test

import (
	"slices"
	"strings"
	"testing"

	"kubedist/pkg/spec"
	"kubedist/specs"
	"kubedist/templates"
)

func TestKnownToolchain(t *testing.T) {
	t.Parallel()
	s, err := spec.Load(specs.FS, templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	bullseye, ok := s.Toolchain("bullseye")
	if !ok || bullseye.Architecture != "amd64" || len(bullseye.Locked) < 50 {
		t.Fatalf("%+v, %v", bullseye, ok)
	}
	if missing := bullseye.Unlocked(); len(missing) > 0 {
		t.Errorf("asked for and not locked: %q", missing)
	}
	bullseye.Packages = append(slices.Clone(bullseye.Packages), "make")
	if missing := bullseye.Unlocked(); !slices.Equal(missing, []string{"make"}) {
		t.Errorf("make is not locked: %q", missing)
	}
	have := map[string]string{}
	for _, p := range bullseye.Locked {
		have[p.Package] = p.Version
	}
	// The compilers of the official programs, for every platform with nodes that Debian 11 has compilers for.
	for name, want := range map[string]string{
		"gcc-10": "10.2.1-6", "gcc-10-aarch64-linux-gnu": "10.2.1-6cross1", "gcc-10-arm-linux-gnueabihf": "10.2.1-6cross1",
		"gcc-10-powerpc64le-linux-gnu": "10.2.1-6cross1", "gcc-10-s390x-linux-gnu": "10.2.1-6cross1", "gcc-10-riscv64-linux-gnu": "10.2.1-6cross1",
	} {
		if have[name] != want {
			t.Errorf("%s is %q, want %q", name, have[name], want)
		}
	}
	for _, name := range []string{"perl-base", "dpkg", "libasan6", "libasan6-arm64-cross"} {
		if have[name] != "" {
			t.Errorf("%s is not needed to compile", name)
		}
	}
	if _, ok := s.Toolchain("sid"); ok {
		t.Error("there is a tool chain of sid")
	}
}

func TestToolchainExcludes(t *testing.T) {
	t.Parallel()
	tc := spec.Toolchain{Exclude: []spec.LeftOut{{Match: []string{"usr/share/man", "usr/lib/*/lto1"}}}}
	for name, want := range map[string]bool{
		"usr/share/man": true, "usr/share/man/man1/gcc.1.gz": true, "usr/lib/gcc/lto1": true,
		"usr/share": false, "usr/share/manual": false, "usr/lib/gcc/x/lto1": false, "man": false, "": false, "/usr": false,
	} {
		if got := tc.Excludes(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// What decides the files of a root is in the digest; where they come from, and why, is not.
func TestToolchainDigest(t *testing.T) {
	t.Parallel()
	s, err := loadText(small + smallToolchain)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := s.Toolchain("bullseye")
	for _, c := range []struct {
		old, new string
		same     bool
	}{
		{"pool/main", "pool/other", true}, {"prose", "other prose", true}, {"0123", "1123", false},
		{"usr/share/man", "usr/share/doc", false}, {"to: gcc", "to: gcc-10", false}, {"usr/local/go", "go", false},
	} {
		if !strings.Contains(smallToolchain, c.old) {
			t.Fatalf("%q does not occur", c.old)
		}
		s, err := loadText(small + strings.Replace(smallToolchain, c.old, c.new, 1))
		if err != nil {
			t.Fatal(err)
		}
		if other, _ := s.Toolchain("bullseye"); (other.Digest() == first.Digest()) != c.same {
			t.Errorf("%s for %s: same digest is %v", c.new, c.old, !c.same)
		}
	}
	if first.Size() != 61240 || len(first.Digest()) != 64 {
		t.Errorf("size %d, digest %q", first.Size(), first.Digest())
	}
}

// smallToolchain follows small, line 64 on.
const smallToolchain = `toolchains:
  - suite: bullseye
    architecture: amd64
    packages: [gcc]
    without:
      - {match: [libnsl-dev], why: prose}
    exclude:
      - {match: [usr/share/man], why: prose}
    links:
      - {path: usr/bin/cc, to: gcc}
    directories: [usr/local/go]
    locked:
      - package: gcc
        version: "4:10.2.1-1"
        architecture: amd64
        path: pool/main/g/gcc.deb
        size: 61240
        sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
`

func TestToolchainNamesTheMistake(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, old, new, want string
		more                 bool // what follows from the mistake
	}{
		{"unknown field", "links:", "symlinks:", `specs/all.yaml:72: unknown field "symlinks"`, false},
		{"suite's form", "suite: bullseye", "suite: ../x", `specs/all.yaml:65: suite: "../x" is not the codename`, false},
		{"architecture's form", "architecture: amd64\n    packages", "architecture: any\n    packages", `specs/all.yaml:66: architecture: "any" is not that of a machine`, true},
		{"a root for no machine", "architecture: amd64\n    packages", "architecture: all\n    packages", `specs/all.yaml:66: architecture: "all" is not that of a machine`, true},
		{"nothing asked for", "    packages: [gcc]\n", "", `specs/all.yaml:65: packages: missing`, false},
		{"package's form", "[gcc]", "[GCC]", `specs/all.yaml:67: packages: package name "GCC"`, true},
		{"asked for and left out", "libnsl-dev", "gc*", `specs/all.yaml:67: packages: gcc is left out`, true},
		{"left out without a pattern", "match: [libnsl-dev]", "match: []", `specs/all.yaml:69: match: missing`, false},
		{"left out without a reason", "libnsl-dev], why: prose", "libnsl-dev]", `specs/all.yaml:69: why: missing`, false},
		{"pattern's form", "[usr/share/man]", `["usr/[x"]`, `specs/all.yaml:71: match: "usr/[x" is no pattern`, false},
		{"link's path", "path: usr/bin/cc", "path: ../cc", `specs/all.yaml:73: path: "../cc" is not a clean path`, false},
		{"link to nowhere", "to: gcc", `to: ""`, `specs/all.yaml:73: to: "" leads nowhere`, false},
		{"directory's path", "[usr/local/go]", "[/usr/local/go]", `specs/all.yaml:74: directories: "/usr/local/go" is not a clean path`, false},
		{"version's form", "4:10.2.1-1", "x", `specs/all.yaml:77: version: version "x"`, false},
		{"architecture of a package", "architecture: amd64\n        path", "architecture: arm64\n        path", `specs/all.yaml:78: architecture: "arm64" is neither amd64 nor all`, false},
		{"path of a package", "pool/main/g/gcc.deb", "pool/../gcc.deb", `specs/all.yaml:79: path: "pool/../gcc.deb" is not the path`, false},
		{"path with a question", "pool/main/g/gcc.deb", "'pool/x?y.deb'", `specs/all.yaml:79: path: "pool/x?y.deb" is not the path`, false},
		{"size", "61240", "0", `specs/all.yaml:80: size: 0 is not a number`, false},
		{"digest's form", "sha256: 0", "sha256: ", `specs/all.yaml:81: sha256: "123456789abcdef`, false},
		{"package twice", "    locked:\n", "    locked:\n      - {package: gcc, version: \"1\", architecture: all, path: a.deb, size: 1, sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}\n", `specs/all.yaml:77: package: gcc stands after gcc`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if strings.Count(smallToolchain, test.old) < 1 {
				t.Fatalf("%q does not occur", test.old)
			}
			_, err := loadText(small + strings.Replace(smallToolchain, test.old, test.new, 1))
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") && !test.more {
				t.Errorf("error is %v, want one that begins with %q", err, test.want)
			}
		})
	}
}
