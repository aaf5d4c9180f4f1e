package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"kubedist/pkg/hint"
	"kubedist/pkg/registry/registrytest"
)

// kubedistRun runs a command line and returns what it prints on standard output.
func kubedistRun(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	var out, errs bytes.Buffer
	env := &environment{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }, Now: time.Now, CacheDir: t.TempDir()}
	root := newRootCommand(env)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// releaseWithImage is a release that has one image, foo/bar-less: the list hello:v1 for three platforms.
func releaseWithImage(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	layer := registrytest.Layer(t, "hello", []byte("hello"))
	index := registrytest.Index(t, registrytest.Image(t, "linux/amd64", layer), registrytest.Image(t, "linux/arm/v7", layer), registrytest.Image(t, "linux/arm64", layer))
	if err := os.Mkdir(filepath.Join(dir, "images"), 0o755); err != nil {
		t.Fatal(err)
	}
	registrytest.WriteLayout(t, filepath.Join(dir, "images"), map[string]mutate.Appendable{"registry.k8s.io/foo/bar:v1": index})
	return dir
}

// TestTalk pushes the images of each platform, and then runs the command line with which the talk ends.
func TestTalk(t *testing.T) {
	t.Parallel()
	r, dir := registrytest.Start(t), releaseWithImage(t)
	out, err := kubedistRun(t, "", "image", "push", dir, "--registry", r.Host, "--arch-tags")
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(`^REFERENCE +DIGEST +STATE
HOST/foo/bar:v1 +sha256:[0-9a-f]{64}  pushed
HOST/foo/bar-amd64:v1 +sha256:[0-9a-f]{64}  pushed
HOST/foo/bar-arm:v1 +sha256:[0-9a-f]{64}  pushed
HOST/foo/bar-arm64:v1 +sha256:[0-9a-f]{64}  pushed
HOST: 4 references of 4 pushed: 4 blobs sent \(\d+ bytes\), 6 mounted, 0 present
$`)
	if got := strings.ReplaceAll(out, r.Host, "HOST"); !table.MatchString(got) {
		t.Errorf("image push says\n%s", got)
	}
	talk := []string{"manifest", "push", "from-args", "--platforms", "linux/amd64,linux/arm,linux/arm64", "--template", r.Host + "/foo/bar-ARCH:v1", "--target", r.Host + "/foo/bar:v1"}
	first, err := kubedistRun(t, "", talk...)
	if err != nil || !regexp.MustCompile(`^Digest: sha256:[0-9a-f]{64} \d+\n$`).MatchString(first) {
		t.Errorf("from-args says %s, %v", first, err)
	}
	if second, err := kubedistRun(t, "", talk...); err != nil || second != first {
		t.Errorf("once more it says %s, %v", second, err)
	}
	tags, err := r.Tags()
	if err != nil || len(tags) != 4 || !strings.Contains(first, tags["foo/bar:v1"].String()) {
		t.Errorf("the registry has %v, %v", tags, err)
	}
	out, err = kubedistRun(t, "", "manifest", "inspect", r.Host+"/foo/bar:v1")
	if err != nil || !strings.Contains(out, strings.TrimSpace(first)) || strings.Count(out, "\nlinux/") != 3 || !strings.Contains(out, "\nlinux/arm/v7 ") {
		t.Errorf("inspect says\n%s%v", out, err)
	}
	spec := "{image: HOST/foo/two:v1, manifests: [{image: HOST/foo/bar-arm64:v1}, {image: HOST/foo/bar:v1, platform: {os: linux, architecture: amd64}}]}"
	if out, err := kubedistRun(t, strings.ReplaceAll(spec, "HOST", r.Host), "manifest", "push", "--type", "oci", "from-spec", "-"); err != nil || !strings.HasPrefix(out, "Digest: ") {
		t.Errorf("from-spec says %s, %v", out, err)
	}
}

func TestRegistryUsage(t *testing.T) {
	t.Parallel()
	dir := releaseWithImage(t)
	for _, c := range []struct {
		args string
		want string
	}{
		{"image push DIR", "--registry: is not given"},
		{"image push DIR --registry somebody", `registry "somebody": "somebody" is no host`},
		{"image push DIR/images/blobs --registry 127.0.0.1:1", "images: there is no oci-layout in "},
		{"image push DIR --registry 127.0.0.1:1 --username a", "--username and --password-stdin: only one of them is given"},
		{"image push DIR --registry 127.0.0.1:1 --username a --password-stdin", "password on standard input: is empty"},
		{"image push DIR --registry 127.0.0.1:1 --username a --password secret", "--password: is not taken"},
		{"image push DIR --registry 127.0.0.1:1 --jobs 0", "--jobs 0: less than one"},
		{"manifest push from-args --platforms linux/amd64 --template a:v1", "target: is empty"},
		{"manifest push from-args --platforms linux/amd64,linux/arm --template 127.0.0.1:1/a:v1 --target 127.0.0.1:1/b:v1", "has no ARCH"},
		{"manifest push from-spec DIR/none", "specification: open "},
		{"manifest push from-spec - --password-stdin", "standard input: is asked for the password and for the specification"},
		{"manifest push from-spec -", "standard input:1: image: says nothing"},
		{"manifest push --type x from-args --platforms linux/amd64 --template 127.0.0.1:1/a:v1 --target 127.0.0.1:1/b:v1", `type "x": neither docker nor oci`},
		{"image push DIR --registry 127.0.0.1:1 --image nope", "image nope: not in DIR/images"},
		{"image push DIR --registry 127.0.0.1:1/UPPER", "reference 127.0.0.1:1/UPPER/x: repository can only contain"},
		{"image push DIR --registry https://example.org", "begins with https://"},
		{"manifest push from-args --platforms linux --template 127.0.0.1:1/a-ARCH:v1 --target 127.0.0.1:1/b:v1", `platform "linux"`},
		{"manifest push from-args --platforms linux/amd64 --template 127.0.0.1:1/A:v1 --target 127.0.0.1:1/b:v1", "reference 127.0.0.1:1/A:v1: repository can only contain"},
		{"manifest push from-args --platforms linux/amd64 --template 127.0.0.1:1/a --target 127.0.0.1:1/b:v1", "reference 127.0.0.1:1/a: no tag"},
		{"manifest push from-args --platforms linux/amd64 --template 127.0.0.1:1/a:v1 --target 127.0.0.1:1/b", "reference 127.0.0.1:1/b: no tag"},
		{"manifest push from-args --platforms linux/amd64 --template 127.0.0.1:1/a:v1 --target a:secret@127.0.0.1:1/b:v1", "reference with credentials in it"},
		{"manifest push from-args --platforms linux/amd64 --template 127.0.0.1:1/a:v1 --target 127.0.0.1:1/b:v1 --tags ?", "reference 127.0.0.1:1/b:?: "},
		{"manifest push from-args --platforms linux/amd64 --template 127.0.0.1:1/a:v1 --target 127.0.0.1:1/b:v1 --annotations a=b", "a Docker manifest list has none"},
		{"manifest inspect 127.0.0.1:1/a", "reference 127.0.0.1:1/a: no tag"},
		{"manifest inspect 127.0.0.1:1/a@sha256:12", "reference 127.0.0.1:1/a@sha256:12: "},
		{"image build v1.36.3 --platform linux", `platform "linux"`},
		{"image build v1.36.3 --debian-mirror nope", `mirror "nope" is not a URL`},
		{"image build nope", `"nope": not a version`},
		{"image base fetch nope", `base "nope" is not declared`},
		{"image base fetch static --debian-mirror nope", `mirror "nope" is not a URL`},
		{"image base lock nope", `base "nope" is not declared`},
		{"image base lock static --debian-mirror nope", `mirror "nope" is not a URL`},
	} {
		_, err := kubedistRun(t, "", strings.Fields(strings.ReplaceAll(c.args, "DIR", dir))...)
		if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(c.want, "DIR", dir)) || exitStatus(err) != exitUsage {
			t.Errorf("%s: got %v, status %d", c.args, err, exitStatus(err))
		} else if strings.Contains(err.Error()+hint.Of(err), "secret") {
			t.Errorf("%s: the error tells the password", c.args)
		}
	}
	if _, err := kubedistRun(t, "", "image", "push", dir, "--registry", "127.0.0.1:1"); exitStatus(err) != exitFailure {
		t.Errorf("no registry: %v, status %d", err, exitStatus(err))
	}
}
