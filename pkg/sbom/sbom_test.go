package sbom_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdxlib"
	"github.com/spdx/tools-golang/utils"

	"kubedist/pkg/sbom"
)

var update = flag.Bool("update", false, "write golden files")

// digest is a digest of so many bytes.
func digest(bytes int, digit string) string { return strings.Repeat(digit, 2*bytes) }

// program has a module of each kind.
func program() *sbom.Program {
	return &sbom.Program{
		Info: &debug.BuildInfo{
			GoVersion: "go1.26.5 X:nodwarf5", Path: "k8s.io/kubernetes/cmd/kubeadm", Main: debug.Module{Path: "k8s.io/kubernetes", Version: "(devel)"},
			Deps: []*debug.Module{
				{Path: "github.com/BurntSushi/toml", Version: "v1.5.0", Sum: "h1:own="},
				{Path: "github.com/docker/docker", Version: "v28.5.2+incompatible"},
				{Path: "example.org/old", Version: "v1.0.0", Replace: &debug.Module{Path: "example.org/new/v2", Version: "v2.1.0", Sum: "h1:new="}},
				{Path: "example.org/here", Version: "v0.0.0", Replace: &debug.Module{Path: "./here", Version: "(devel)"}},
				{Path: "k8s.io/api", Version: "(devel)"},
			},
		},
		Module: func(path, version string) sbom.Module {
			return map[string]sbom.Module{
				"k8s.io/kubernetes@": {Version: "v1.36.3", Sum: "h1:main=", License: "Apache-2.0"}, "k8s.io/api@": {Version: "v0.36.3", Sum: "h1:api="},
				"github.com/docker/docker@v28.5.2+incompatible": {Sum: "h1:vendored="}, "github.com/BurntSushi/toml@v1.5.0": {Sum: "h1:other="},
			}[path+"@"+version]
		},
	}
}

// cProgram is a program in C, with files that are the same on every platform and a library that is not.
func cProgram(platform string) *sbom.CProgram {
	return &sbom.CProgram{
		Name: "pause", Version: "3.10.2", License: "Apache-2.0", Info: "pause.c of k8s.io/kubernetes v1.36.3",
		Sources:   []sbom.Content{{Name: "source/kubernetes/pause.c", SHA1: digest(20, "4"), SHA256: digest(32, "4")}},
		Libraries: []sbom.Library{{Name: "libc6-dev-" + platform + "-cross", Version: "2.31-9cross4", Architecture: "all", SHA256: digest(32, "5"), Info: "tool chain"}},
	}
}

func options() sbom.Options {
	return sbom.Options{Name: "kubeadm_1.36.3-1.1_amd64", Created: time.Date(2026, 7, 22, 20, 7, 38, 5, time.FixedZone("", 7200)), Tool: "kubedist-1.0"}
}

func deb(file string) sbom.Artifact {
	return sbom.Artifact{
		Name: "kubeadm", Version: "1.36.3-1.1", PURL: sbom.DebPURL("Kubernetes", "kubeadm", "1.36.3~rc.1+x-1.1", "amd64"), FileName: file,
		SHA256: digest(32, "a"), SHA512: digest(64, "b"), Supplier: "Organization: Test (test@example.org)", License: "Apache-2.0", Purpose: "INSTALL",
		Homepage: "https://kubernetes.io", Summary: "tool <to> & fro",
	}
}

// packageDocument is that of a package.
func packageDocument(t *testing.T) *sbom.Builder {
	t.Helper()
	b := sbom.New(options(), deb("debs/kubeadm_1.36.3-1.1_amd64.deb"))
	b.Installs([]sbom.Content{
		{Name: "usr/share/doc/kubeadm/a b", SHA1: digest(20, "2"), SHA256: digest(32, "2")},
		{Name: "usr/bin/kubeadm", SHA1: digest(20, "1"), SHA256: digest(32, "1"), Program: program()},
	})
	return b
}

// releaseDocument is that of a release with two packages and a tarball in a tarball.
func releaseDocument(t *testing.T) *sbom.Builder {
	t.Helper()
	b := sbom.New(options(), sbom.Artifact{Name: "kubernetes", Version: "v1.36.3", PURL: sbom.GenericPURL("kubernetes", "v1.36.3")})
	for _, name := range []string{"debs/one.deb", "debs/two.deb", "tarballs/x.tar.gz", "tarballs/src.tar.gz"} {
		b.Part(deb(name))
	}
	b.File(sbom.Content{Name: "bin/linux/amd64/kubeadm", SHA1: digest(20, "1"), SHA256: digest(32, "1"), Program: program()})
	for _, platform := range []string{"amd64", "arm64"} {
		b.File(sbom.Content{Name: "bin/linux/" + platform + "/pause", SHA1: digest(20, "3"), SHA256: digest(32, "3"), C: cProgram(platform)})
	}
	b.Inside("debs/one.deb", "bin/linux/amd64/kubeadm")
	b.Nested("tarballs/x.tar.gz", "tarballs/src.tar.gz")
	b.Depends("debs/one.deb", "debs/two.deb")
	return b
}

func document(t *testing.T, b *sbom.Builder) []byte {
	t.Helper()
	d, err := b.Document()
	if err != nil {
		t.Fatal(err)
	}
	data, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestDocuments compares both kinds of document with golden files, has tools-golang validate them and reads them back.
func TestDocuments(t *testing.T) {
	t.Parallel()
	for name, build := range map[string]func(*testing.T) *sbom.Builder{"package": packageDocument, "release": releaseDocument} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := document(t, build(t))
			golden := filepath.Join("testdata", name+".spdx.json")
			if *update {
				if err := os.WriteFile(golden, data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || !bytes.Equal(data, want) {
				t.Errorf("not %s (%v):\n%s", golden, err, data)
			}
			if again := document(t, build(t)); !bytes.Equal(data, again) {
				t.Error("the second document has other bytes")
			}
			parsed, err := spdxjson.Read(bytes.NewReader(data))
			if err == nil {
				err = spdxlib.ValidateDocument(parsed)
			}
			if err != nil {
				t.Fatalf("tools-golang: %v", err)
			}
			if ids, err := spdxlib.GetDescribedPackageIDs(parsed); err != nil || len(ids) != 1 {
				t.Errorf("tools-golang finds that it describes %v, %v", ids, err)
			}
			for _, p := range parsed.Packages {
				if !p.FilesAnalyzed {
					continue
				}
				code, err := utils.GetVerificationCode(parsed.Files, "")
				if err != nil || p.PackageVerificationCode == nil || code.Value != p.PackageVerificationCode.Value {
					t.Errorf("tools-golang computes the verification code %v, %v; it is %v", code, err, p.PackageVerificationCode)
				}
			}
			back, err := sbom.Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := back.Marshal(); err != nil || !bytes.Equal(data, again) {
				t.Errorf("reading and writing changed it: %v", err)
			}
		})
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	d, err := sbom.Parse(document(t, releaseDocument(t)))
	if err != nil {
		t.Fatal(err)
	}
	if name, file := d.About(); name != "kubernetes" || file != "" {
		t.Errorf("about %q, %q", name, file)
	}
	var names []string
	for _, c := range slices.Concat(d.Artifacts(), d.Contents()) {
		names = append(names, c.Name+" "+c.SHA256[:2])
	}
	slices.Sort(names)
	if want := []string{"bin/linux/amd64/kubeadm 11", "bin/linux/amd64/pause 33", "bin/linux/arm64/pause 33", "debs/one.deb aa", "debs/two.deb aa", "tarballs/src.tar.gz aa", "tarballs/x.tar.gz aa"}; !slices.Equal(names, want) {
		t.Errorf("claims %q", names)
	}
	if d, err = sbom.Parse(document(t, packageDocument(t))); err != nil {
		t.Fatal(err)
	}
	if name, file := d.About(); name != "kubeadm" || file != "debs/kubeadm_1.36.3-1.1_amd64.deb" {
		t.Errorf("about %q, %q", name, file)
	}
}

// TestNamespace: whatever differs makes another document, whose namespace must be another one.
func TestNamespace(t *testing.T) {
	t.Parallel()
	one, err := packageDocument(t).Document()
	if err != nil {
		t.Fatal(err)
	}
	b := packageDocument(t)
	b.File(sbom.Content{Name: "x", SHA1: digest(20, "3"), SHA256: digest(32, "3")})
	two, err := b.Document()
	if err != nil || one.Namespace == two.Namespace {
		t.Errorf("%s, %s, %v", one.Namespace, two.Namespace, err)
	}
}

func TestBuilderRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(b *sbom.Builder)
		want   string
	}{
		"a file twice":          {func(b *sbom.Builder) { b.File(sbom.Content{Name: "usr/bin/kubeadm"}) }, "file usr/bin/kubeadm: comes twice"},
		"an artifact twice":     {func(b *sbom.Builder) { b.Part(deb("debs/kubeadm_1.36.3-1.1_amd64.deb")) }, "comes twice"},
		"no digest":             {func(b *sbom.Builder) { b.File(sbom.Content{Name: "y"}) }, "without a SHA1"},
		"a stranger in a deb":   {func(b *sbom.Builder) { b.Inside("debs/none.deb", "usr/bin/kubeadm") }, "an element is not there"},
		"an unknown dependency": {func(b *sbom.Builder) { b.Depends("debs/kubeadm_1.36.3-1.1_amd64.deb", "debs/none.deb") }, "an element is not there"},
	} {
		b := packageDocument(t)
		c.change(b)
		if _, err := b.Document(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	good := string(document(t, packageDocument(t)))
	for name, c := range map[string]struct{ old, with, want string }{
		"another version":   {`"SPDX-2.3"`, `"SPDX-2.2"`, "not a document of SPDX-2.3"},
		"an unknown field":  {`"name"`, `"nome"`, "unknown field"},
		"an odd time":       {`2026-07-22T18:07:38Z`, `2026-07-22`, "created:"},
		"an id twice":       {`SPDXRef-File-usr-bin-kubeadm-`, `SPDXRef-DOCUMENT","fileName":"./`, "comes twice"},
		"an odd id":         {`"SPDXID": "SPDXRef-File-usr`, `"SPDXID": "SPDXRef-File_usr`, "is none"},
		"an odd digest":     {digest(32, "1"), digest(32, "1")[1:], "is none"},
		"upper case":        {digest(32, "a"), digest(32, "A"), "is none"},
		"two subjects":      {`"relationshipType": "CONTAINS"`, `"relationshipType": "DESCRIBES"`, "describes 2 things"},
		"unknown relations": {`"relationshipType": "CONTAINS"`, `"relationshipType": "IS"`, "unknown"},
		"no path":           {`"./usr/bin`, `"/usr/bin`, "does not begin with ./"},
		"a second document": {"\n}\n", "\n}{}", "something after its end"},
		"no code":           {`"filesAnalyzed": true`, `"filesAnalyzed": false`, "verification code"},
	} {
		bad := strings.Replace(good, c.old, c.with, 1)
		if bad == good {
			t.Fatalf("%s: nothing to change", name)
		}
		if _, err := sbom.Parse([]byte(bad)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, c.want)
		}
	}
}

func TestPURL(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"pkg:golang/github.com/burntsushi/toml@v1.5.0":               sbom.GoPURL("github.com/BurntSushi/toml", "v1.5.0"),
		"pkg:golang/github.com/docker/docker@v28.5.2%2Bincompatible": sbom.GoPURL("github.com/docker/docker", "v28.5.2+incompatible"),
		"pkg:golang/k8s.io/api":                                      sbom.GoPURL("k8s.io/api", ""),
		"pkg:deb/kubernetes/kubeadm@1.36.0~rc.1%2Bx-1.1?arch=amd64":  sbom.DebPURL("Kubernetes", "kubeadm", "1.36.0~rc.1+x-1.1", "amd64"),
		"pkg:deb/example/epoch@1:2.0-1?arch=all":                     sbom.DebPURL("example", "epoch", "1:2.0-1", "all"),
		"pkg:generic/kubernetes@v1.36.3":                             sbom.GenericPURL("kubernetes", "v1.36.3"),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"package", "release"} {
		data, err := os.ReadFile(filepath.Join("testdata", name+".spdx.json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := sbom.Parse(data)
		if err != nil {
			return
		}
		d.About()
		written, err := d.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sbom.Parse(written); err != nil {
			t.Fatalf("what was read and written does not read: %v", err)
		}
	})
}
