package source

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestPlatforms(t *testing.T) {
	t.Parallel()
	got, err := Platforms(&Tree{Name: "kubernetes", Dir: "testdata/kubernetes"})
	want := Supported{
		Server: strings.Fields("linux/amd64 linux/arm64 linux/s390x linux/ppc64le"),
		Node:   strings.Fields("linux/amd64 linux/arm64 linux/s390x linux/ppc64le windows/amd64"),
		Client: strings.Fields("linux/amd64 linux/386 linux/arm linux/arm64 linux/s390x linux/ppc64le darwin/amd64 darwin/arm64 windows/amd64 windows/386 windows/arm64"),
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("platforms %v, %v; want %v", got, err, want)
	}
	if _, err := Platforms(&Tree{Name: "cni", Dir: "testdata/cni-plugins"}); err == nil || !strings.Contains(err.Error(), "platforms of cni") {
		t.Errorf("error %v", err)
	}
}

func TestParsePlatforms(t *testing.T) {
	t.Parallel()
	const rest = "KUBE_SUPPORTED_NODE_PLATFORMS=(a/b)\nKUBE_SUPPORTED_CLIENT_PLATFORMS=(a/b)\n"
	for _, c := range []struct {
		name, script, want string
	}{
		{"other ways to write it", "declare -ra KUBE_SUPPORTED_SERVER_PLATFORMS=( \"linux/amd64\" # the usual\n  'linux/arm64' linux/arm )\n" + rest, ""},
		{"none", "", " no server platforms"},
		{"absent", rest, " no server platforms"},
		{"empty", "KUBE_SUPPORTED_SERVER_PLATFORMS=()\n" + rest, " no server platforms"},
		{"not closed", rest + "KUBE_SUPPORTED_SERVER_PLATFORMS=(\nlinux/amd64\n", "4: the server platforms are not closed"},
		{"twice", rest + rest, "3: the node platforms are given twice"},
		{"expansion", "KUBE_SUPPORTED_SERVER_PLATFORMS=(\n\"${OTHERS[@]}\"\n)\n", `2: "${OTHERS[@]}" is no platform`},
		{"after the end", "KUBE_SUPPORTED_SERVER_PLATFORMS=(a/b) c/d\n", `1: " c/d" after the end`},
		{"endless line", strings.Repeat("x", 1<<17), "1: bufio.Scanner: token too long"},
		{"endless array", "KUBE_SUPPORTED_SERVER_PLATFORMS=(" + strings.Repeat(" a/b", 300) + ")\n", `1: "a/b" is no platform`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := parsePlatforms([]byte(c.script))
			switch {
			case c.want == "" && (err != nil || !reflect.DeepEqual(got.Server, []string{"linux/amd64", "linux/arm64", "linux/arm"})):
				t.Errorf("platforms %v, %v", got, err)
			case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)):
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzParsePlatforms(f *testing.F) {
	script, err := os.ReadFile("testdata/kubernetes/hack/lib/golang.sh")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(script)
	f.Add([]byte("KUBE_SUPPORTED_SERVER_PLATFORMS=(a/b)"))
	f.Fuzz(func(t *testing.T, script []byte) {
		got, err := parsePlatforms(script)
		if err != nil {
			return
		}
		for _, list := range [][]string{got.Server, got.Node, got.Client} {
			if len(list) == 0 || len(list) > maxPlatforms {
				t.Errorf("%d platforms", len(list))
			}
			for _, name := range list {
				if !platformName.MatchString(name) {
					t.Errorf("platform %q", name)
				}
			}
		}
	})
}
