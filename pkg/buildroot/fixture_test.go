package buildroot_test

import (
	"os"
	"runtime"
	"testing"

	"kubedist/pkg/buildroot"
	"kubedist/pkg/debroot/roottest"
	"kubedist/pkg/spec"
)

// The test binary is the program that enters roots.
func TestMain(m *testing.M) {
	if order, asked := buildroot.Asked(os.Args[0], os.Getenv); asked {
		os.Exit(buildroot.Enter(order, os.Args[1:], os.Environ(), os.Stderr))
	}
	os.Exit(m.Run())
}

// debianArch is Debian's name of the machine that tests run on.
var debianArch = map[string]string{"amd64": "amd64", "arm64": "arm64", "ppc64le": "ppc64el", "s390x": "s390x", "riscv64": "riscv64"}[runtime.GOARCH]

func toolchain(locked ...spec.Locked) spec.Toolchain {
	return spec.Toolchain{Suite: "test", Architecture: debianArch, Locked: locked}
}

func fetch(t testing.TB, p *roottest.Pool, cache string, tc spec.Toolchain) (*buildroot.Root, error) {
	t.Helper()
	return buildroot.Fetch(t.Context(), buildroot.Options{Toolchain: tc, CacheDir: cache, Mirror: p.URL})
}
