package source

import (
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"kubedist/pkg/gocmd"
)

// realModule returns the directory of a real module and the go command that fetched it. Tests on real trees run where
// the module cache or the user's proxy has them.
func realModule(t *testing.T, path, version string) (*Tree, *gocmd.Go) {
	t.Helper()
	if testing.Short() {
		t.Skip("real trees are not for -short")
	}
	g, err := gocmd.New(t.Context(), gocmd.Options{Environ: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	got, err := downloader{command: g, dir: t.TempDir()}.fetch(t.Context(), []module.Version{{Path: path, Version: version}})
	if err != nil {
		t.Skipf("%s@%s cannot be had here: %v", path, version, err)
	}
	if got[0].Error != "" {
		t.Skipf("%s@%s cannot be had here: %s", path, version, got[0].Error)
	}
	return &Tree{Name: path, Dir: got[0].Dir}, g
}

func TestRealKubernetes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version, goVersion string
		staging            int
	}{{"v1.34.0", "1.24.6", 31}, {"v1.35.4", "1.25.9", 31}, {"v1.36.3", "1.26.5", 33}} {
		t.Run(c.version, func(t *testing.T) {
			t.Parallel()
			tree, _ := realModule(t, "k8s.io/kubernetes", c.version)
			platforms, err := Platforms(tree)
			if err != nil {
				t.Fatal(err)
			}
			want := Supported{
				Server: strings.Fields("linux/amd64 linux/arm64 linux/s390x linux/ppc64le"),
				Node:   strings.Fields("linux/amd64 linux/arm64 linux/s390x linux/ppc64le windows/amd64"),
				Client: strings.Fields("linux/amd64 linux/386 linux/arm linux/arm64 linux/s390x linux/ppc64le darwin/amd64 darwin/arm64 windows/amd64 windows/386 windows/arm64"),
			}
			if !slices.Equal(platforms.Server, want.Server) || !slices.Equal(platforms.Node, want.Node) || !slices.Equal(platforms.Client, want.Client) {
				t.Errorf("platforms %v", platforms)
			}
			staging, err := StagingModules(tree)
			if err != nil || len(staging) != c.staging {
				t.Errorf("%d staging modules, %v", len(staging), err)
			}
			for _, m := range []string{"k8s.io/client-go", "k8s.io/component-base", "k8s.io/sample-cli-plugin", "k8s.io/sample-controller"} {
				if !slices.Contains(staging, StagingModule{Path: m, Dir: "staging/src/" + m}) {
					t.Errorf("no staging module %s", m)
				}
			}
			if got, err := goVersion(tree.Dir, ""); got != c.goVersion {
				t.Errorf("Go release %s, %v; want %s", got, err, c.goVersion)
			}
			if version, commit, err := archivedVersion(tree.Dir); version != "" || commit != "" || err != nil {
				t.Errorf("a module zip says it is %s, %s, %v", version, commit, err)
			}
		})
	}
}

// What is found in the real CNI plugins is what the build scripts of the module build.
func TestRealPlugins(t *testing.T) {
	t.Parallel()
	tree, g := realModule(t, "github.com/containernetworking/plugins", "v1.9.1")
	var want []string
	for _, group := range []string{"meta", "main", "ipam"} { // PLUGINS of build_linux.sh
		entries, err := os.ReadDir(tree.Dir + "/plugins/" + group)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if entry.IsDir() && entry.Name() != "windows" {
				want = append(want, "github.com/containernetworking/plugins/plugins/"+group+"/"+entry.Name())
			}
		}
	}
	slices.Sort(want)
	got, err := Mains(t.Context(), g, tree, []string{"./plugins/meta/...", "./plugins/main/...", "./plugins/ipam/..."}, "linux")
	if err != nil || !slices.Equal(got, want) || len(got) != 18 {
		t.Errorf("plugins %v, %v; want %v", got, err, want)
	}
	listed, err := os.ReadFile(tree.Dir + "/plugins/windows_only.txt") // of build_windows.sh
	if err != nil {
		t.Fatal(err)
	}
	windows, err := Mains(t.Context(), g, tree, []string{"./plugins/..."}, "windows")
	for _, name := range strings.Fields(string(listed)) {
		if !slices.Contains(windows, "github.com/containernetworking/plugins/"+name) {
			t.Errorf("%s is not among the plugins for windows: %v, %v", name, windows, err)
		}
	}
}

func TestRealCRITools(t *testing.T) {
	t.Parallel()
	tree, g := realModule(t, "sigs.k8s.io/cri-tools", "v1.36.0")
	got, err := Mains(t.Context(), g, tree, []string{"./cmd/crictl"}, "linux")
	if err != nil || !slices.Equal(got, []string{"sigs.k8s.io/cri-tools/cmd/crictl"}) {
		t.Errorf("commands %v, %v", got, err)
	}
}
