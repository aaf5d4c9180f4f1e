package apt_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
	"kubedist/repo"
)

func TestDefinition(t *testing.T) {
	t.Parallel()
	d := definition(t)
	if d.ValidFor != 180*24*time.Hour || d.RefreshBefore != 90*24*time.Hour || len(d.Suites) != 6 || d.Suites[2].Name != "v1.36" {
		t.Errorf("got %+v", d)
	}
	for version, want := range map[string]string{
		"v1.36.3": "v1.36 stable latest unstable", "1.34.0": "v1.34 stable latest unstable", "v1.36.0-rc.0": "unstable", "v1.37.0": "stable latest unstable", "v1.37.0-alpha.1": "unstable",
	} {
		got, err := d.SuitesFor(version)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: got %v, %v, want %s", version, got, err, want)
		}
	}
	for _, version := range []string{"", "x", "0.9.0"} {
		if got, err := d.SuitesFor(version); err == nil {
			t.Errorf("%q: got %v, want an error", version, got)
		}
	}
	if got, err := d.SuitesForPackage("kubeadm", "1.36.0~rc.0-1.1"); err != nil || strings.Join(got, " ") != "unstable" {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := d.SuitesForPackage("cri-tools", "1.36.0-1.1"); err == nil {
		t.Errorf("got %v, want an error", got)
	}
}

// TestNewMinorIsOneLine adds a suite as a release manager will.
func TestNewMinorIsOneLine(t *testing.T) {
	t.Parallel()
	d := definition(t, `  - {name: stable`, "  - {name: v1.37, accepts: \"~1.37\"}\n  - {name: stable")
	if got, err := d.SuitesFor("v1.37.0"); err != nil || strings.Join(got, " ") != "v1.37 stable latest unstable" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestDefinitionErrors(t *testing.T) {
	t.Parallel()
	text := string(repo.Archive)
	line := func(part string) int { return strings.Count(text[:strings.Index(text, part)], "\n") + 1 }
	for _, c := range []struct{ name, old, new, want string }{
		{"keyring package below /etc", "keyring-package: false", "keyring-package: true", "keyring-package: signed-by must be a file in /usr/share/keyrings"},
		{"keyring package of nobody", "keyring-package: false", "keyring-package: true", `maintainer: "" is not of the form NAME <ADDRESS>`},
		{"upgrades without not-automatic", `accepts: "~1.35"`, `accepts: "~1.35", but-automatic-upgrades: true`, fmt.Sprintf("archive.yaml:%d: suites[1].but-automatic-upgrades: means nothing without not-automatic", line("~1.35"))},
		{"alias that is a suite", `accepts: "~1.35"`, `accepts: "~1.35", aliases: [stable]`, fmt.Sprintf("archive.yaml:%d: suites[1].aliases[0]: stable is a name of suite stable already", line("~1.35"))},
		{"flat in the pool", `accepts: "~1.35"`, `accepts: "~1.35", flat: pool/x`, fmt.Sprintf(`archive.yaml:%d: suites[1].flat: directory "pool/x": pool is the archive's own`, line("~1.35"))},
		{"flat that leaves the root", `accepts: "~1.35"`, `accepts: "~1.35", flat: a/../../b`, fmt.Sprintf(`archive.yaml:%d: suites[1].flat: directory "a/../../b": ".." is no plain name`, line("~1.35"))},
		{"fewer than no versions", `accepts: "~1.35"`, `accepts: "~1.35", keep: -1`, fmt.Sprintf("archive.yaml:%d: suites[1].keep: -1 is no number of versions", line("~1.35"))},
		{"unknown field", "label: Kubernetes", "labels: Kubernetes", fmt.Sprintf(`archive.yaml:%d: unknown field "labels"`, line("label: Kubernetes"))},
		{"unknown field of a suite", `{name: v1.35,`, `{nome: v1.35,`, fmt.Sprintf(`archive.yaml:%d: unknown field "nome"`, line("{name: v1.35"))},
		{"suite twice", "name: v1.35", "name: v1.34", fmt.Sprintf("archive.yaml:%d: suites[1].name: suite v1.34 is named twice, first in line %d", line("name: v1.35"), line("name: v1.34"))},
		{"suite's name", "name: v1.35", "name: ../v1.35", fmt.Sprintf(`archive.yaml:%d: suites[1].name: name "../v1.35": character '.'`, line("name: v1.35"))},
		{"range", `"~1.35"`, `"about 1.35"`, fmt.Sprintf(`archive.yaml:%d: suites[1].accepts: "about 1.35" is no range of versions`, line("~1.35"))},
		{"no range", `, accepts: "~1.35"`, "", `suites[1].accepts: "" is no range`},
		{"compression", "[gz, zst]", "[gz, lz4]", fmt.Sprintf(`archive.yaml:%d: compressions[1]: compression "lz4": neither gz nor xz nor zst`, line("compressions:"))},
		{"no compression", "[gz, zst]", "[]", "compressions: missing"},
		{"architecture", "armhf", "arm/v7", fmt.Sprintf(`archive.yaml:%d: architectures[2]: architecture "arm/v7": character '/'`, line("architectures:"))},
		{"architecture all", "armhf", "all", `"all" is in every architecture's index`},
		{"architecture twice", "armhf", "arm64", "architectures[2]: arm64 is named twice"},
		{"component", "[main]", "[main, main]", "components[1]: main is named twice"},
		{"origin", "origin: Kubernetes", "", "origin: missing"},
		{"description", "description: Kubernetes", "description: \"Kubernetes\\nX: y\" #", `is not one line of text`},
		{"url", "https://apt.example.org", "ftp://apt.example.org", fmt.Sprintf("archive.yaml:%d: url: ", line("url:"))},
		{"signed-by", "keyring.gpg", "keyring.kbx", "signed-by: "},
		{"valid-for", "180d", "half a year", `valid-for: "half a year" is no duration such as 180d`},
		{"short", "180d", "1h", "valid-for: shorter than a day"},
		{"refresh-before", "refresh-before: 90d", "refresh-before: 180d", "refresh-before: not shorter than valid-for"},
		{"generations", "generations: 5", "generations: 2", "generations: 2 are fewer than the 3"},
		{"no YAML", "origin: Kubernetes", "origin: [", "archive.yaml:"},
		{"two documents", "# The archive's definition", "---\na: b\n---\n#", "more than one document"},
		{"wrong type", "generations: 5", "generations: many", fmt.Sprintf("archive.yaml:%d: ", line("generations:"))},
		{"distribution", "mount,", "mount (>> ),", fmt.Sprintf("archive.yaml:%d: distribution[2]: relation", line("distribution:"))},
		{"package name", "[kubeadm,", "[Kubeadm,", "kubernetes-packages[0]: package name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(text, c.old) {
				t.Fatalf("repo/archive.yaml does not have %q", c.old)
			}
			_, err := apt.ParseDefinition("archive.yaml", []byte(strings.Replace(text, c.old, c.new, 1)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := apt.ParseDefinition("archive.yaml", nil); err == nil || !strings.Contains(err.Error(), "archive.yaml:1: suites: missing") {
		t.Errorf("an empty file gives %v", err)
	}
}

func TestLoadDefinition(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "archive.yaml")
	if err := os.WriteFile(name, repo.Archive, 0o644); err != nil {
		t.Fatal(err)
	}
	if d, err := apt.LoadDefinition(name); err != nil || d.Origin != "Kubernetes" {
		t.Errorf("got %+v, %v", d, err)
	}
	if err := os.WriteFile(name, make([]byte, 2<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{name, name + ".missing"} {
		if d, err := apt.LoadDefinition(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %+v, %v", d, err)
		}
	}
}
