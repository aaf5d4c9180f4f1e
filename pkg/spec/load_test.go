package spec_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"kubedist/pkg/platform"
	"kubedist/pkg/spec"
	"kubedist/specs"
	"kubedist/templates"
)

func TestLoadTheRealSpecs(t *testing.T) {
	t.Parallel()
	s, err := spec.Load(specs.FS, templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"linux/amd64", "linux/arm/v7", "windows/arm64"} {
		id, err := platform.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := s.Platform(id); !ok {
			t.Errorf("no platform %s", name)
		}
	}
	var names []string
	for _, p := range s.Packages {
		names = append(names, p.Name)
	}
	if got, want := strings.Join(names, " "), "cri-tools kubeadm kubectl kubelet kubernetes-cni"; got != want {
		t.Errorf("packages %s, want %s", got, want)
	}
	if _, ok := s.Binary("kubelet"); !ok {
		t.Error("no binary kubelet")
	}
	if _, ok := s.Tarball("kubernetes-src.tar.gz"); !ok {
		t.Error("no tarball kubernetes-src.tar.gz")
	}
	if _, ok := s.Document("kubectl-man"); !ok {
		t.Error("no document kubectl-man")
	}
	if _, ok := s.Source("nothing"); ok {
		t.Error("there is a source called nothing")
	}
}

// small is the least that has everything, one thing a line: the table below replaces one of them.
const small = `platforms:
  - platform: linux/amd64
    debian: amd64
    elf: {class: 64, order: little, machine: EM_X86_64}
    roles: [server, node, client]
sources:
  - name: kubernetes
    module: k8s.io/kubernetes
    build: {variables: [example.org/version.v=1]}
  - name: pinned
    module: example.org/pinned
    version: v1.2.3
    go: 1.26.5
    build: {tags: [netgo]}
binaries:
  - name: kubeadm
    source: kubernetes
    main: k8s.io/kubernetes/cmd/kubeadm
    roles: [node]
    link: static
  - name: plugins
    source: pinned
    find: [./plugins/...]
    roles: [node]
    link: static
documents:
  - name: manual
    binary: kubeadm
    args: [manual]
    stdout: kubeadm.1
packages:
  - name: kubeadm
    source: kubernetes
    roles: [node]
    section: admin
    priority: optional
    homepage: https://example.org
    summary: one line
    description: several
    contents:
      - {binary: kubeadm, to: /usr/bin/}
      - {document: manual, files: "*.1", to: /usr/share/man/man1/}
      - {template: kubeadm/unit, to: /usr/lib/systemd/system/x.service}
      - {tree: LICENSE, to: /usr/share/doc/kubeadm/}
      - {dir: /var/lib/kubeadm}
    scripts:
      postinst: kubeadm/postinst
    relations:
      - versions: "<1.32"
        depends: [kubelet]
      - versions: ">=1.32"
tarballs:
  - name: src.tar.gz
    source: kubernetes
    contents:
      - {tree: ., to: kubernetes/}
  - name: node-{{.OS}}-{{.Arch}}.tar.gz
    source: kubernetes
    roles: [node]
    contents:
      - {binaries: [kubeadm], to: kubernetes/node/bin/}
      - {version: true, to: kubernetes/version}
      - {tarball: src.tar.gz, to: kubernetes/}
`

var smallTemplates = fstest.MapFS{
	"kubeadm/unit":     &fstest.MapFile{},
	"kubeadm/postinst": &fstest.MapFile{},
}

func loadText(text string) (*spec.Spec, error) {
	return spec.Load(fstest.MapFS{"all.yaml": &fstest.MapFile{Data: []byte(text)}}, smallTemplates)
}

// TestLoadNamesTheMistake replaces one text of a good file and expects errors that begin with the place of it.
func TestLoadNamesTheMistake(t *testing.T) {
	t.Parallel()
	if _, err := loadText(small); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, old, new string
		want           []string // beginnings of the lines of the error, all of them
	}{
		{"unknown top level field", "tarballs:", "tarbals:", []string{`specs/all.yaml:52: unknown field "tarbals"`}},
		{"unknown field", "    priority: optional", "    prio: optional", []string{`specs/all.yaml:36: unknown field "prio"`}},
		{"unknown field in flow style", "{dir: /var/lib/kubeadm}", "{folder: /var/lib/kubeadm}", []string{`specs/all.yaml:45: unknown field "folder"`}},
		{"field twice", "    section: admin", "    section: admin\n    section: net", []string{`specs/all.yaml:36: mapping key "section" already defined at [35:5]`}},
		{"wrong type", "roles: [server, node, client]", "roles: {a: b}", []string{"specs/all.yaml:5: "}},
		{"no YAML", "sources:", "sources: [", []string{"specs/all.yaml:"}},
		{"malformed tag", "tarballs:", "tarballs:\n !\n0\n  -0", []string{"specs/all.yaml: malformed YAML"}},
		{"second document", "tarballs:", "---\ntarballs:", []string{"specs/all.yaml: more than one document"}},

		{"platform's form", "platform: linux/amd64", "platform: linux", []string{`specs/all.yaml:2: platform: platform "linux"`}},
		{"platform without an identity", "platform: linux/amd64", "triplet: x", []string{"specs/all.yaml:2: platform: missing"}},
		{"platform twice", "sources:", "  - {platform: linux/amd64, roles: [client]}\nsources:", []string{`specs/all.yaml:6: name: platform "linux/amd64" is declared twice, first at specs/all.yaml:2`}},
		{"architecture twice", "sources:", "  - {platform: linux/386, debian: amd64, roles: [client]}\nsources:", []string{"specs/all.yaml:6: debian: amd64 is the architecture of linux/amd64 already"}},
		{"unknown role of a platform", "roles: [server, node, client]", "roles: [server, nodes]", []string{`specs/all.yaml:5: roles: "nodes" is not one of client, node, server`}},
		{"platform without roles", "    roles: [server, node, client]\n", "", []string{"specs/all.yaml:2: roles: missing"}},
		{"node without an architecture", "    debian: amd64\n", "", []string{"specs/all.yaml:2: debian, elf: "}},

		{"module path", "module: k8s.io/kubernetes", "module: /kubernetes", []string{"specs/all.yaml:8: module: "}},
		{"source twice", "name: pinned", "name: kubernetes", []string{`specs/all.yaml:10: name: source "kubernetes" is declared twice, first at specs/all.yaml:7`, `specs/all.yaml:22: source: "pinned" is not declared`}},
		{"source's version", "version: v1.2.3", "version: 1.2.3", []string{`specs/all.yaml:12: version: "1.2.3" is not of the form v1.2.3`}},
		{"pinned source without a Go release", "    go: 1.26.5\n", "", []string{"specs/all.yaml:10: go: missing"}},
		{"variable's form", "example.org/version.v=1", "version", []string{`specs/all.yaml:9: variables: "version" is not of the form SYMBOL=VALUE`}},

		{"binary without a name", "  - name: plugins\n    source: pinned", "  - source: pinned", []string{"specs/all.yaml:21: name: missing"}},
		{"binary twice", "name: plugins", "name: kubeadm", []string{`specs/all.yaml:21: name: binary "kubeadm" is declared twice`}},
		{"binary's source", "    source: pinned", "    source: pined", []string{`specs/all.yaml:22: source: "pined" is not declared`}},
		{"binary with two mains", "    find: [./plugins/...]", "    find: [./plugins/...]\n    main: example.org/pinned", []string{"specs/all.yaml:21: main, c, find: exactly one"}},
		{"binary's link", "    link: static\n  - name: plugins", "    link: cgo\n  - name: plugins", []string{`specs/all.yaml:20: link: "cgo" is not "static"`}},
		{"unknown role of a binary", "    roles: [node]\n    link: static\ndocuments:", "    roles: [edge]\n    link: static\ndocuments:", []string{`specs/all.yaml:24: roles: "edge" is not one of`}},

		{"document's program", "binary: kubeadm\n    args", "binary: plugins\n    args", []string{`specs/all.yaml:28: binary: "plugins" is not a declared program`}},
		{"document's file", "stdout: kubeadm.1", "stdout: ../kubeadm.1", []string{`specs/all.yaml:30: stdout: "../kubeadm.1" is not a plain file name`}},

		{"package's name", "  - name: kubeadm\n    source: kubernetes\n    roles: [node]\n    section", "  - name: Kubeadm\n    source: kubernetes\n    roles: [node]\n    section", []string{`specs/all.yaml:32: name: "Kubeadm" is not a Debian package name`}},
		{"package's source", "source: kubernetes\n    roles: [node]\n    section", "source: kube\n    roles: [node]\n    section", []string{`specs/all.yaml:33: source: "kube" is not declared`}},
		{"package's summary", "summary: one line", "summary: |\n      one\n      two", []string{"specs/all.yaml:38: summary: must be one line"}},
		{"package without a section", "    section: admin\n", "", []string{"specs/all.yaml:32: section: must be one line"}},
		{"package without a description", "    description: several\n", "", []string{"specs/all.yaml:32: description: missing"}},
		{"package without contents", "    contents:\n      - {binary: kubeadm, to: /usr/bin/}\n      - {document: manual, files: \"*.1\", to: /usr/share/man/man1/}\n      - {template: kubeadm/unit, to: /usr/lib/systemd/system/x.service}\n      - {tree: LICENSE, to: /usr/share/doc/kubeadm/}\n      - {dir: /var/lib/kubeadm}\n", "", []string{"specs/all.yaml:32: contents: missing"}},
		{"package without roles", "    roles: [node]\n    section", "    roles: []\n    section", []string{"specs/all.yaml:34: roles: missing"}},
		{"content that is two things", "{tree: LICENSE,", "{tree: LICENSE, binary: kubeadm,", []string{"specs/all.yaml:44: contents: exactly one of"}},
		{"content's program", "{binary: kubeadm, to: /usr/bin/}", "{binary: kubead, to: /usr/bin/}", []string{`specs/all.yaml:41: binary: "kubead" is not declared`}},
		{"content's document", "{document: manual,", "{document: manuals,", []string{`specs/all.yaml:42: document: "manuals" is not declared`}},
		{"content's pattern", `files: "*.1"`, `files: "[*.1"`, []string{`specs/all.yaml:42: files: "[*.1"`}},
		{"program that is not compiled", "cmd/kubeadm\n    roles: [node]", "cmd/kubeadm", []string{`specs/all.yaml:40: binary: "kubeadm" is not compiled for linux/amd64`}},
		{"program that is absent", "cmd/kubeadm\n", "cmd/kubeadm\n    absent: not yet\n", []string{`specs/all.yaml:42: binary: "kubeadm" is absent: not yet`}},
		{"gzip of a program", "to: /usr/bin/}", "to: /usr/bin/, gzip: true}", []string{"specs/all.yaml:41: gzip: only documents and templates"}},
		{"files of a template", "template: kubeadm/unit,", "template: kubeadm/unit, files: '*',", []string{"specs/all.yaml:43: files: only a document"}},
		{"conffile directory", "{dir: /var/lib/kubeadm}", "{dir: /var/lib/kubeadm, config: true}", []string{"specs/all.yaml:45: config: neither"}},
		{"directory with a target", "{dir: /var/lib/kubeadm}", "{dir: /var/lib/kubeadm, to: /var}", []string{"specs/all.yaml:45: to: a directory has its path in dir"}},
		{"missing template", "template: kubeadm/unit", "template: kubeadm/units", []string{"specs/all.yaml:43: template: templates/kubeadm/units does not exist"}},
		{"template that is a directory", "template: kubeadm/unit", "template: kubeadm", []string{"specs/all.yaml:43: template: templates/kubeadm does not exist"}},
		{"path in the tree", "{tree: LICENSE,", "{tree: ../LICENSE,", []string{`specs/all.yaml:44: tree: "../LICENSE" is not a clean path`}},
		{"relative target", "to: /usr/bin/}", "to: usr/bin/}", []string{`specs/all.yaml:41: to: "usr/bin/" is not a clean absolute path`}},
		{"target that leaves", "{dir: /var/lib/kubeadm}", "{dir: /var/../lib}", []string{`specs/all.yaml:45: dir: "/var/../lib" is not a clean absolute path`}},
		{"missing script", "postinst: kubeadm/postinst", "postinst: kubeadm/nothing", []string{"specs/all.yaml:47: postinst: templates/kubeadm/nothing does not exist"}},
		{"overlapping ranges", `versions: ">=1.32"`, `versions: ">=1.31"`, []string{"specs/all.yaml:51: versions: >=1.31.0 overlaps <1.32.0 of entry 1"}},
		{"range's form", `versions: ">=1.32"`, `versions: ">1.32"`, []string{`specs/all.yaml:51: versions: range ">1.32"`}},

		{"tarball's source", "source: kubernetes\n    contents", "source: kube\n    contents", []string{`specs/all.yaml:54: source: "kube" is not declared`}},
		{"tarball's program", "{binaries: [kubeadm],", "{binaries: [kubelet],", []string{`specs/all.yaml:61: binaries: "kubelet" is not declared`}},
		{"tarball's role", "roles: [node]\n    contents:\n      - {binaries", "roles: [nodes]\n    contents:\n      - {binaries", []string{`specs/all.yaml:59: roles: "nodes" is not one of`}},
		{"tarball in a tarball", "{tarball: src.tar.gz,", "{tarball: 'node-{{.OS}}-{{.Arch}}.tar.gz',", []string{`specs/all.yaml:63: tarball: "node-{{.OS}}-{{.Arch}}.tar.gz" is not a declared tarball without a platform`}},
		{"tarball's target", "{version: true, to: kubernetes/version}", "{version: true, to: /version}", []string{`specs/all.yaml:62: to: "/version" is not a clean relative path`}},
		{"tarball item that is two things", "{version: true,", "{version: true, tree: LICENSE,", []string{"specs/all.yaml:62: contents: exactly one of"}},

		{"two mistakes at once", "section: admin\n    priority: optional", "section: ''\n    priority: ''", []string{"specs/all.yaml:35: section: ", "specs/all.yaml:36: priority: "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if strings.Count(small, test.old) != 1 {
				t.Fatalf("%q occurs %d times", test.old, strings.Count(small, test.old))
			}
			_, err := loadText(strings.Replace(small, test.old, test.new, 1))
			if err == nil {
				t.Fatal("no error")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(test.want) {
				t.Fatalf("%d errors, want %d:\n%v", len(lines), len(test.want), err)
			}
			for i, want := range test.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("error is %q, want one that begins with %q", lines[i], want)
				}
			}
		})
	}
}

func TestLoadSeveralFiles(t *testing.T) {
	t.Parallel()
	s, err := spec.Load(fstest.MapFS{
		"b.yaml":          &fstest.MapFile{Data: []byte("sources: [{name: b, module: example.org/b, build: {}}]")},
		"a.yaml":          &fstest.MapFile{Data: []byte("sources: [{name: a, module: example.org/a, build: {}}]\n")},
		"packages/c.yaml": &fstest.MapFile{Data: []byte("binaries: [{name: c, source: b, main: example.org/b, link: static}]\n")},
		"empty.yaml":      &fstest.MapFile{Data: []byte("# nothing yet\n")},
		"README.md":       &fstest.MapFile{Data: []byte("not: [yaml")},
	}, fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Sources) != 2 || s.Sources[0].Name != "a" || len(s.Binaries) != 1 {
		t.Errorf("loaded %+v", s)
	}
	_, err = spec.Load(fstest.MapFS{
		"a.yaml": &fstest.MapFile{Data: []byte("sources: [{name: x, module: example.org/a, build: {}}]\n")},
		"b.yaml": &fstest.MapFile{Data: []byte("\nsources:\n  - {name: x, module: example.org/b, build: {}}\n")},
	}, fstest.MapFS{})
	if want := `specs/b.yaml:3: name: source "x" is declared twice, first at specs/a.yaml:1`; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestLoadRefusesFiles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"none":      {fstest.MapFS{}, "no .yaml file"},
		"too large": {fstest.MapFS{"a.yaml": &fstest.MapFile{Data: []byte(strings.Repeat("#\n", 1<<20))}}, "specs/a.yaml: larger than 1048576 bytes"},
	} {
		if _, err := spec.Load(test.files, fstest.MapFS{}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	if _, err := spec.Load(os.DirFS(t.TempDir()+"/none"), fstest.MapFS{}); err == nil {
		t.Error("no error for a directory that does not exist")
	}
}

// FuzzLoad looks for texts that make the loader panic, hang or accept what breaks its own rules.
func FuzzLoad(f *testing.F) {
	f.Add(small)
	f.Add("a: &a [*a, *a]\n")
	f.Add("platforms: [{platform: linux/amd64, roles: [client]}]\n")
	f.Add("packages:\n  - <<: {name: x}\n")
	f.Add("binaries: \npackages:\n !\n0\n  -0") // a panic in the YAML library
	f.Fuzz(func(t *testing.T, text string) {
		s, err := loadText(text)
		if err != nil {
			return
		}
		for _, p := range s.Packages {
			if _, ok := s.Source(p.Source); !ok {
				t.Errorf("package %s of source %q, which is not declared", p.Name, p.Source)
			}
		}
		for _, b := range s.Binaries {
			if _, ok := s.Source(b.Source); !ok {
				t.Errorf("binary %s of source %q, which is not declared", b.Name, b.Source)
			}
		}
	})
}
