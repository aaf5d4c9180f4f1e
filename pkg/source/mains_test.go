package source

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kubedist/pkg/gocmd"
	"kubedist/pkg/hint"
)

// localGo is the installed go command, without network.
func localGo(t *testing.T) *gocmd.Go {
	t.Helper()
	g, err := gocmd.New(t.Context(), gocmd.Options{Toolchain: gocmd.Local, Environ: append(os.Environ(), "GOPROXY=off")})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func small(t *testing.T, name string) *Tree {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return &Tree{Name: name, Dir: dir}
}

func TestMains(t *testing.T) {
	t.Parallel()
	const plugins = "github.com/containernetworking/plugins/plugins/"
	for _, c := range []struct {
		name, tree, goos string
		patterns         []string
		want             []string
		err              string
	}{
		{"plugins for linux", "cni-plugins", "linux", []string{"./plugins/meta/...", "./plugins/main/...", "./plugins/ipam/..."},
			[]string{plugins + "ipam/host-local", plugins + "main/bridge", plugins + "main/loopback", plugins + "meta/portmap"}, ""},
		{"plugins for windows", "cni-plugins", "windows", []string{"./plugins/main/windows/...", "./plugins/ipam/host-local"},
			[]string{plugins + "ipam/host-local", plugins + "main/windows/win-bridge"}, ""},
		{"one command, twice", "cri-tools", "linux", []string{"./cmd/crictl", "./cmd/..."}, []string{"sigs.k8s.io/cri-tools/cmd/crictl", "sigs.k8s.io/cri-tools/cmd/critest"}, ""},
		{"staging module", "kubernetes", "linux", []string{"k8s.io/component-base/logs/..."}, []string{"k8s.io/component-base/logs/kube-log-runner"}, ""},
		{"no command", "cri-tools", "linux", []string{"./pkg/..."}, nil, "no command for linux under ./pkg/..."},
		{"none for that system", "cni-plugins", "linux", []string{"./plugins/main/windows/..."}, nil, "no command for linux"},
		{"no such directory", "cri-tools", "linux", []string{"./cmd/crictl", "./cmmd/crictl"}, nil, "cmmd/crictl"},
		{"a flag is no pattern", "cri-tools", "linux", []string{"-exec=sh"}, nil, "-exec=sh"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Mains(t.Context(), localGo(t), small(t, c.tree), c.patterns, c.goos)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("commands %v, %v (%s); want %v", got, err, hint.Of(err), c.want)
			}
		})
	}
}

// The small workspace holds every command that the real one is built for.
func TestSmallWorkspaceIsWhole(t *testing.T) {
	t.Parallel()
	got, err := Mains(t.Context(), localGo(t), small(t, "kubernetes"), []string{"./cmd/...", "./cluster/...", "k8s.io/component-base/...", "k8s.io/kube-aggregator/...", "k8s.io/apiextensions-apiserver/..."}, "linux")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range strings.Fields(`k8s.io/kubernetes/cmd/kubeadm k8s.io/kubernetes/cmd/kubectl k8s.io/kubernetes/cmd/kubectl-convert
		k8s.io/kubernetes/cmd/kubelet k8s.io/kubernetes/cmd/kube-proxy k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager
		k8s.io/kubernetes/cmd/kube-scheduler k8s.io/kubernetes/cmd/genman k8s.io/kubernetes/cluster/gce/gci/mounter
		k8s.io/component-base/logs/kube-log-runner k8s.io/kube-aggregator k8s.io/apiextensions-apiserver`) {
		if !slices.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
}
