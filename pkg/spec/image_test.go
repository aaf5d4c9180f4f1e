package spec_test

import (
	"strings"
	"testing"
)

// smallImages follows small, line 65 on.
const smallImages = `images:
  - name: plugins
    source: pinned
    roles: [node]
    repository: registry.example.org/net/plugins
    also: [plugins]
    tag: {file: build/version, match: 'VERSION = (\S+)'}
    base: files
    contents:
      - {binary: plugins, to: /opt/bin/, capabilities: [cap_net_bind_service]}
      - {tree: LICENSE, to: /}
    entrypoint: [/opt/bin/x]
    environment: [A=b]
    user: 65532:65532
    workingDir: /var
    ports: [53/udp, 53/tcp]
  - name: pause
    source: kubernetes
    roles: [server]
    contents:
      - {binary: pause, to: /pause}
    repository: registry.example.org/pause
bases:
  - name: files
    suite: trixie
    packages: [libc6]
    locked:
      - {package: libc6, version: "1", architecture: amd64, path: pool/l.deb, size: 1, sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}
coverage:
  - {binary: kubeadm, args: [list], registry: registry.example.org}
toolchains:
  - {suite: bullseye, architecture: amd64, packages: [gcc]}
`

// programInC goes among the binaries of small, and moves what follows six lines down.
const programInC = `binaries:
  - name: pause
    source: kubernetes
    c: {files: [build/pause.c], flags: [-Os], version: {file: build/Makefile, match: 'TAG = (.*)'}, toolchain: bullseye}
    roles: [server]
    link: static
`

// smallWithImages is all of small, with a tarball of images in place of one of a program.
func smallWithImages() string {
	return strings.NewReplacer("    debian: amd64\n", "    debian: amd64\n    triplet: x86_64-linux-gnu\n", "binaries:\n", programInC, "{version: true, to: kubernetes/version}", "{images: [pause], to: kubernetes/images/}").Replace(small) + smallImages
}

func TestImageNamesTheMistake(t *testing.T) {
	t.Parallel()
	if _, err := loadText(smallWithImages()); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, old, new, want string }{
		{"image twice", "name: pause\n    source: kubernetes\n    roles: [server]\n    contents", "name: plugins\n    source: kubernetes\n    roles: [server]\n    contents", `specs/all.yaml:86: name: image "plugins" is declared twice`},
		{"name's form", "name: pause\n    source: kubernetes\n    roles: [server]\n    contents", "name: Pause\n    source: kubernetes\n    roles: [server]\n    contents", `specs/all.yaml:86: name: "Pause" is not lower-case`},
		{"source", "name: plugins\n    source: pinned\n    roles", "name: plugins\n    source: pined\n    roles", `specs/all.yaml:72: source: "pined" is not declared`},
		{"no roles", "source: pinned\n    roles: [node]\n    repository", "source: pinned\n    roles: []\n    repository", "specs/all.yaml:73: roles: missing"},
		{"unknown role", "source: pinned\n    roles: [node]\n    repository", "source: pinned\n    roles: [edge]\n    repository", `specs/all.yaml:73: roles: "edge" is not one of`},
		{"repository in capitals", "net/plugins", "net/Plugins", `specs/all.yaml:71: repository: "net/Plugins" is not the path`},
		{"repository with a slash at its end", "net/plugins", "net/", `specs/all.yaml:71: repository: "net/" is not the path`},
		{"repository of another image", "also: [plugins]", "also: [pause]", `specs/all.yaml:86: repository: repository "pause" is that of another image already`},
		{"another repository's form", "also: [plugins]", "also: [plugins:v1]", `specs/all.yaml:75: also: "plugins:v1" is not the path`},
		{"tag's file", "file: build/version", "file: ../version", `specs/all.yaml:76: file: "../version" is not a clean path`},
		{"tag's expression", `(\S+)`, `(\S+`, "specs/all.yaml:76: match: error parsing regexp"},
		{"tag's groups", `(\S+)`, `(\S)(\S)`, "specs/all.yaml:76: match: "},
		{"base", "base: files", "base: file", `specs/all.yaml:77: base: "file" is not declared`},
		{"base of other machines", "architecture: amd64, path", "architecture: arm64, path", `specs/all.yaml:77: base: "files" is not locked for linux/amd64`},
		{"no contents", "    contents:\n      - {binary: pause, to: /pause}\n", "    contents: []\n", "specs/all.yaml:86: contents: missing"},
		{"content that is two things", "{tree: LICENSE, to: /}", "{tree: LICENSE, binary: pause, to: /}", "specs/all.yaml:80: contents: exactly one of"},
		{"content's program", "{binary: pause, to", "{binary: paws, to", `specs/all.yaml:90: binary: "paws" is not declared`},
		{"program that is not compiled", "toolchain: bullseye}\n    roles: [server]", "toolchain: bullseye}\n    roles: [client]\n    absent: not yet", `specs/all.yaml:91: binary: "pause" is absent: not yet`},
		{"group in place of a file", "to: /opt/bin/,", "to: /opt/bin,", `specs/all.yaml:79: to: "plugins" is a group`},
		{"content's target", "to: /pause", "to: pause", `specs/all.yaml:90: to: "pause" is not a clean absolute path`},
		{"target that climbs", "to: /pause", "to: /a/../pause", `specs/all.yaml:90: to: "/a/../pause" is not a clean absolute path`},
		{"file twice", "      - {tree: LICENSE, to: /}\n", "      - {tree: LICENSE, to: /}\n      - {tree: a/LICENSE, to: /LICENSE}\n", "specs/all.yaml:81: to: /LICENSE is in the image already"},
		{"tree's path", "tree: LICENSE, to: /}", "tree: /LICENSE, to: /}", `specs/all.yaml:80: tree: "/LICENSE" is not a clean path`},
		{"capability's form", "[cap_net_bind_service]", "[CAP_NET_BIND_SERVICE]", `specs/all.yaml:79: capabilities: "CAP_NET_BIND_SERVICE"`},
		{"capability of a file", "tree: LICENSE, to: /}", "tree: LICENSE, to: /, capabilities: [cap_chown]}", "specs/all.yaml:80: capabilities: only programs"},
		{"variable's form", "[A=b]", "[A]", `specs/all.yaml:82: environment: "A" is not of the form`},
		{"user's form", "user: 65532:65532", "user: nonroot", `specs/all.yaml:83: user: "nonroot" is not of the form`},
		{"user that is none", "user: 65532:65532", "user: '4294967295'", `specs/all.yaml:83: user: "4294967295" is not of the form`},
		{"directory", "workingDir: /var", "workingDir: var", `specs/all.yaml:84: workingDir: "var" is not a clean absolute path`},
		{"port's form", "[53/udp, 53/tcp]", "[53/udp, 65536/tcp]", `specs/all.yaml:85: ports: "65536/tcp" is not of the form`},
		{"port twice", "[53/udp, 53/tcp]", "[53/udp, 53/udp]", `specs/all.yaml:85: ports: "53/udp" is not of the form`},
		{"coverage's program", "{binary: kubeadm, args: [list]", "{binary: plugins, args: [list]", `specs/all.yaml:99: binary: "plugins" is not a declared program`},
		{"coverage's registry", "registry: registry.example.org", "registry: registry", `specs/all.yaml:99: registry: "registry" is not the name`},
		{"images of a tarball", "{images: [pause],", "{images: [paws],", `specs/all.yaml:68: images: "paws" is not declared`},
		{"image that is a version too", "{images: [pause],", "{images: [pause], version: true,", "specs/all.yaml:68: contents: exactly one of"},
		{"C and Go", "    c: {", "    main: example.org/x\n    c: {", "specs/all.yaml:17: main, c, find: exactly one"},
		{"repository without a registry", "registry.example.org/pause", "pause", `specs/all.yaml:91: repository: "pause" is not of the form REGISTRY/PATH`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			all := smallWithImages()
			if strings.Count(all, test.old) != 1 {
				t.Fatalf("%q occurs %d times", test.old, strings.Count(all, test.old))
			}
			_, err := loadText(strings.Replace(all, test.old, test.new, 1))
			if err == nil || !strings.Contains("\n"+err.Error(), "\n"+test.want) {
				t.Errorf("error is %v, want a line that begins with %q", err, test.want)
			}
		})
	}
}

func TestImagePath(t *testing.T) {
	t.Parallel()
	s, err := loadText(smallWithImages())
	if err != nil {
		t.Fatal(err)
	}
	plugins, _ := s.Image("plugins")
	pause, _ := s.Image("pause")
	if plugins.Path() != "net/plugins" || pause.Path() != "pause" {
		t.Errorf("got %s and %s", plugins.Path(), pause.Path())
	}
}
