package closure_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"kubedist/pkg/closure"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/spec"
	"kubedist/specs"
	"kubedist/templates"
)

// A base's lock has the packages of each architecture, and those for all once.
func TestResolveBase(t *testing.T) {
	t.Parallel()
	key := newKey(t, "Archive")
	for _, c := range []struct {
		name  string
		index []string
		want  string // NAME/ARCHITECTURE…, or what the error says behind a "!"
	}{
		{"for all", []string{pkg("aa", "1", "amd64", "Depends: cc, perl"), pkg("aa", "1", "arm64", "Depends: cc, bb"), pkg("bb", "1", "arm64"), pkg("cc", "1", "all")},
			"cc/all aa/amd64 aa/arm64 bb/arm64"},
		{"for all that one can do without", []string{pkg("aa", "1", "amd64", "Depends: cc"), pkg("aa", "1", "arm64"), pkg("cc", "1", "all")},
			"!package cc 1: is for all architectures, and 1 of 2 need it"},
		{"missing on one", []string{pkg("aa", "1", "amd64")}, "!suite bullseye for arm64: package aa: there is none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := suite{key: key, index: strings.Join(c.index, ""), architectures: []string{"amd64", "arm64"}}
			opened, err := closure.Open(t.Context(), closure.Options{Suite: "bullseye", Mirror: s.serve(t), Keyring: []*openpgp.Certificate{key.Public()}, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			base := spec.Base{Packages: []string{"aa"}, Without: []spec.LeftOut{{Match: []string{"perl"}}}}
			locked, err := opened.ResolveBase(t.Context(), base, s.architectures)
			var got []string
			for _, l := range locked {
				got = append(got, l.Package+"/"+l.Architecture)
			}
			if want, fails := strings.CutPrefix(c.want, "!"); fails {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want an error with %q", err, want)
				}
			} else if err != nil || strings.Join(got, " ") != c.want {
				t.Errorf("got %v, %v, want %q", got, err, c.want)
			}
		})
	}
}

// Bases that are written read back as they were; those that are committed are as they would be written.
func TestBaseText(t *testing.T) {
	t.Parallel()
	s, err := spec.Load(specs.FS, templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range s.Bases {
		data, err := specs.FS.ReadFile("bases/" + b.Name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if text := closure.BaseText(b); !bytes.Equal(text, data) {
			t.Errorf("specs/bases/%s.yaml would be written as\n%s", b.Name, text)
		}
	}
	strange := spec.Base{
		Name: "no", Suite: "trixie", Packages: []string{"gcc"}, Without: []spec.LeftOut{{Match: []string{"*x"}, Why: "x "}},
		Bundles: []spec.Bundle{{Match: "a/[b,c]*", To: "/a b", Drop: true}, {Match: "x", To: "/y"}},
		Files:   []spec.BaseTemplate{{Template: "yes/1", To: "/1,2"}},
		Links:   []spec.Symlink{{Path: "usr/bin/[", To: "../a b\"c"}},
		Locked:  []spec.Locked{{Package: "gcc", Version: "1.10", Architecture: "all", Path: "pool/g++~1.deb", Size: 1, SHA256: strings.Repeat("1", 64)}},
	}
	s, err = spec.Load(fstest.MapFS{"x.yaml": &fstest.MapFile{Data: closure.BaseText(strange)}}, fstest.MapFS{"yes/1": &fstest.MapFile{}})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := s.Base("no")
	got.Without[0].Why += " " // the prose is folded
	if !reflect.DeepEqual(got, strange) {
		t.Errorf("got\n%+v, want\n%+v", got, strange)
	}
}
