package spec_test

import (
	"strings"
	"testing"

	"kubedist/pkg/spec"
	"kubedist/specs"
	"kubedist/templates"
)

// withC is small with a triplet on line 4, a program in C on lines 27 to 34, and a tool chain.
var withC = strings.NewReplacer(
	"    debian: amd64\n", "    debian: amd64\n    triplet: x86_64-linux-gnu\n",
	"documents:\n", `  - name: pause
    source: kubernetes
    c:
      files: [pause.c, pause.h]
      flags: [-static, "-DV={{.Version}}"]
      version: {file: constants.go, match: 'V = "([^"]+)"'}
      toolchain: bullseye
    roles: [node]
    link: static
documents:
`).Replace(small) + smallToolchain

func TestC(t *testing.T) {
	t.Parallel()
	if _, err := loadText(withC); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, old, new, want string }{
		{"no C file", "[pause.c, pause.h]", "[pause.h]", `specs/all.yaml:30: files: none ends in .c`},
		{"no file", "[pause.c, pause.h]", "[]", `specs/all.yaml:30: files: none ends in .c`},
		{"file that is an option", "pause.h]", "-fplugin=x]", `specs/all.yaml:30: files: "-fplugin=x" is not a clean path`},
		{"file outside", "pause.h]", "../pause.h]", `specs/all.yaml:30: files: "../pause.h" is not a clean path`},
		{"tool chain", "toolchain: bullseye", "toolchain: bookworm", `specs/all.yaml:30: toolchain: "bookworm" is not declared`},
		{"version's file", "file: constants.go", "file: /constants.go", `specs/all.yaml:32: file: "/constants.go" is not a clean path`},
		{"version without a group", `"([^"]+)"'`, `"[^"]+"'`, `specs/all.yaml:32: match: "V = \"[^\"]+\"" has 0 groups, not the one whose text is read`},
		{"version's expression", `"([^"]+)"'`, `"([^"]+"'`, `specs/all.yaml:32: match: error parsing regexp`},
		{"in C and in Go", "    c:\n", "    main: example.org/pause\n    c:\n", `specs/all.yaml:27: main, c, find: exactly one of them must be set`},
		{"linked otherwise", "    link: static\ndocuments", "    link: cgo\ndocuments", `specs/all.yaml:35: link: "cgo" is not "static"`},
		{"without roles", "      toolchain: bullseye\n    roles: [node]\n", "      toolchain: bullseye\n", `specs/all.yaml:27: roles: missing`},
		{"platform without a triplet", "    triplet: x86_64-linux-gnu\n", "", `specs/all.yaml:33: roles: linux/amd64 has one of them, and no triplet`},
		{"document", "    binary: kubeadm\n    args", "    binary: pause\n    args", `specs/all.yaml:38: binary: "pause" is not a declared program in Go`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if strings.Count(withC, test.old) != 1 {
				t.Fatalf("%q occurs %d times", test.old, strings.Count(withC, test.old))
			}
			_, err := loadText(strings.Replace(withC, test.old, test.new, 1))
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error is %v, want one that begins with %q", err, test.want)
			}
		})
	}
}

// TestLibraries finds what a static program has in it, of Debian's own names.
func TestLibraries(t *testing.T) {
	t.Parallel()
	s, err := spec.Load(specs.FS, templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	bullseye, _ := s.Toolchain("bullseye")
	for architecture, want := range map[string]string{
		"amd64": "libc6-dev libgcc-10-dev", "arm64": "libc6-dev-arm64-cross libgcc-10-dev-arm64-cross", "armhf": "libc6-dev-armhf-cross libgcc-10-dev-armhf-cross",
		"ppc64el": "libc6-dev-ppc64el-cross libgcc-10-dev-ppc64el-cross", "s390x": "libc6-dev-s390x-cross libgcc-10-dev-s390x-cross",
		"riscv64": "libc6-dev-riscv64-cross libgcc-10-dev-riscv64-cross", "loong64": "",
	} {
		var names []string
		for _, p := range bullseye.Libraries(architecture) {
			names = append(names, p.Package)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %q, want %q", architecture, got, want)
		}
	}
}
