package spec_test

import (
	"strings"
	"testing"
	"time"

	"kubedist/pkg/spec"
	"kubedist/specs"
	"kubedist/templates"
)

func TestKnownRelease(t *testing.T) {
	t.Parallel()
	s, err := spec.Load(specs.FS, templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	r, ok := s.Release("v1.34.0")
	if !ok || r.Commit != "f28b4c9efbca5c5c0af716d9f2d5702667ee8a45" || !r.CommitTime.Equal(time.Date(2025, 8, 27, 10, 9, 4, 0, time.UTC)) {
		t.Errorf("v1.34.0: %+v, %v", r, ok)
	}
	for name, want := range map[string]string{"kubeadm": "2025-08-27T10:15:59Z", "kubelet": "2025-08-27T10:15:59Z", "kubectl": ""} {
		b, _ := s.Binary(name)
		got := ""
		if date, ok := r.BuildDate(b); ok {
			got = date.Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("build date of %s is %q, want %q", name, got, want)
		}
	}
	if _, ok := s.Release("v1.0.0"); ok {
		t.Error("there is a release v1.0.0")
	}
}

// smallRelease follows small, line 64 on.
const smallRelease = `releases:
  - version: v1.36.3
    commit: 0123456789abcdef0123456789abcdef01234567
    commitTime: 2026-01-02T03:04:05Z
    passes:
      - {role: node, buildDate: 2026-01-02T03:05:06Z}
    published:
      - binary: kubeadm
        platform: linux/amd64
        sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
`

func TestReleaseNamesTheMistake(t *testing.T) {
	t.Parallel()
	if _, err := loadText(small + smallRelease); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, old, new, want string }{
		{"unknown field", "commit:", "comit:", `specs/all.yaml:66: unknown field "comit"`},
		{"version's form", "v1.36.3", "1.36.3", `specs/all.yaml:65: version: "1.36.3" is not of the form v1.2.3`},
		{"version twice", "    published:", "  - version: v1.36.3\n    commit: 0123456789abcdef0123456789abcdef01234567\n    commitTime: 2026-01-02T03:04:05Z\n    passes: [{role: node, buildDate: 2026-01-02T03:05:06Z}]\n    published:", `specs/all.yaml:70: name: release "v1.36.3" is declared twice, first at specs/all.yaml:65`},
		{"commit's form", "commit: 0", "commit: X", `specs/all.yaml:66: commit: "X123456789abcdef`},
		{"commit without quotes and letters", "commit: 0123456789abcdef0123456789abcdef01234567", "commit: 12", `specs/all.yaml:66: commit: "12" is not 40`},
		{"time's form", "03:04:05Z", "03:04:05+01:00", `specs/all.yaml:67: commitTime: "2026-01-02T03:04:05+01:00" is not a time in UTC`},
		{"no time of the commit", "    commitTime: 2026-01-02T03:04:05Z\n", "", "specs/all.yaml:65: commitTime: missing"},
		{"no pass", "      - {role: node, buildDate: 2026-01-02T03:05:06Z}\n", "", "specs/all.yaml:65: passes: missing"},
		{"unknown pass", "role: node", "role: nodes", `specs/all.yaml:69: role: "nodes" is not one of client, node, server`},
		{"pass twice", "    published:", "      - {role: node, buildDate: 2026-01-02T03:05:06Z}\n    published:", "specs/all.yaml:70: role: the pass node comes twice"},
		{"date's form", "buildDate: 2026-01-02T03:05:06Z", "buildDate: yesterday", `specs/all.yaml:69: buildDate: "yesterday" is not a time in UTC`},
		{"no date", ", buildDate: 2026-01-02T03:05:06Z", "", "specs/all.yaml:69: buildDate: missing"},
		{"built before the commit", "03:05:06Z", "03:04:04Z", "specs/all.yaml:69: buildDate: 2026-01-02T03:04:04Z is before the commit"},
		{"published program", "binary: kubeadm", "binary: kubead", `specs/all.yaml:71: binary: "kubead" is not a declared program`},
		{"published group", "binary: kubeadm", "binary: plugins", `specs/all.yaml:71: binary: "plugins" is not a declared program`},
		{"published platform", "platform: linux/amd64", "platform: linux/sparc", `specs/all.yaml:72: platform: "linux/sparc" is not declared`},
		{"platform's form", "platform: linux/amd64", "platform: linux", `specs/all.yaml:72: platform: platform "linux"`},
		{"digest's form", "sha256: 0", "sha256: ", `specs/all.yaml:73: sha256: "123456789abcdef`},
		{"digest of another", "      - binary: kubeadm\n", "      - {binary: kubeadm, platform: linux/amd64, sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}\n      - binary: kubeadm\n", "specs/all.yaml:72: binary: kubeadm of linux/amd64 comes twice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if strings.Count(smallRelease, test.old) < 1 {
				t.Fatalf("%q does not occur", test.old)
			}
			_, err := loadText(small + strings.Replace(smallRelease, test.old, test.new, 1))
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error is %v, want one that begins with %q", err, test.want)
			}
		})
	}
}
