package apt_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"kubedist/pkg/apt"
	"kubedist/repo"
)

func TestNewDefinition(t *testing.T) {
	t.Parallel()
	same, err := apt.NewDefinition("archive.yaml", repo.Archive, apt.InitOptions{})
	if err != nil || !bytes.Equal(same, repo.Archive) {
		t.Errorf("without options: %v\n%s", err, same)
	}
	text, err := apt.NewDefinition("archive.yaml", repo.Archive, apt.InitOptions{
		Origin: "Example: the archive", Label: "Example's", Description: "#1 of all", URL: "https://deb.example.org",
		Components: []string{"main", "extra"}, Architectures: []string{"arm64", "amd64"}, Suites: []string{"testing", "stable"},
		Maintainer: "Example's team <us@example.org>",
	})
	if err != nil {
		t.Fatal(err)
	}
	d, err := apt.ParseDefinition("archive.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if d.Origin != "Example: the archive" || d.Label != "Example's" || d.Description != "#1 of all" || d.URL != "https://deb.example.org" ||
		fmt.Sprint(d.Components, d.Architectures, len(d.KubernetesPackages), len(d.Suites)) != "[main extra] [amd64 arm64] 0 2" || d.Suites[1].Name != "stable" {
		t.Errorf("got %+v", d)
	}
	if d.Trace != "deb.example.org" { // the host of its own, and not that of the template
		t.Errorf("its trace is %q", d.Trace)
	}
	if !d.KeyringPackage || d.Maintainer != "Example's team <us@example.org>" || d.SignedBy != "/usr/share/keyrings/"+apt.KeyringFile {
		t.Errorf("its keyring package is of %q, %v, for %s", d.Maintainer, d.KeyringPackage, d.SignedBy)
	}
	if !strings.Contains(string(text), "# Clients stop with an error") {
		t.Errorf("the comments are gone:\n%s", text)
	}
	for _, c := range []struct {
		o    apt.InitOptions
		want string
	}{
		{apt.InitOptions{URL: "gopher://x"}, "url: "},
		{apt.InitOptions{Origin: "two\nlines"}, "field origin: not one line"},
		{apt.InitOptions{Maintainer: "us@example.org"}, "maintainer: "},
		{apt.InitOptions{Suites: []string{"../x"}}, `suite "../x": `},
		{apt.InitOptions{Architectures: []string{"amd64]\nx: [y"}}, "is no plain word"},
		{apt.InitOptions{Architectures: []string{"arm/v7"}}, "architectures[0]"},
	} {
		if text, err := apt.NewDefinition("archive.yaml", repo.Archive, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %s\n%s", c.o, err, c.want, text)
		}
	}
}

func TestListByArchitecture(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.override = []apt.Refusal{apt.RefuseArchitecture}
	a.publish(all, newDeb(t, "kubeadm", "1.36.2-1.1", "amd64"), newDeb(t, "kubeadm", "1.36.10-1.1", "amd64"), newDeb(t, "kubeadm", "1.36.2-1.1", "arm64"), newDeb(t, "docs", "1-1", "all"))
	list, err := apt.List(t.Context(), apt.Options{Root: a.root, Definition: a.def}, "stable")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(apt.ByArchitecture(list)); got != "[{stable main docs map[all:[1-1]]} {stable main kubeadm map[amd64:[1.36.10-1.1 1.36.2-1.1] arm64:[1.36.2-1.1]]}]" {
		t.Errorf("got %s", got)
	}
	for _, c := range []struct{ relation, want string }{
		{"kubeadm:arm64", "[{stable main kubeadm 1.36.2-1.1 [arm64]}]"},
		{"kubeadm (>> 1.36.2-1.1)", "[{stable main kubeadm 1.36.10-1.1 [amd64]}]"},
		{"kubectl", "[]"},
	} {
		if got := fmt.Sprint(apt.Select(list, []apt.Selector{selector(t, c.relation)})); got != c.want {
			t.Errorf("%s: got %s, want %s", c.relation, got, c.want)
		}
	}
	if got := apt.Select(list, nil); len(got) != len(list) {
		t.Errorf("without relations: got %v", got)
	}
}
