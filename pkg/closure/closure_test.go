package closure_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ulikunitz/xz"

	"kubedist/pkg/closure"
	"kubedist/pkg/hint"
	"kubedist/pkg/mirror"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/spec"
	"kubedist/specs"
	"kubedist/templates"
)

var now = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func newKey(t *testing.T, name string) *openpgp.Key {
	t.Helper()
	key, err := openpgp.Generate(t.Context(), openpgp.GenerateOptions{Name: name, Created: now.AddDate(-1, 0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// pkg is a paragraph of an index. A field may stand in place of the architecture.
func pkg(name, version, arch string, fields ...string) string {
	return fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: %s\n%s\nFilename: pool/main/%s_%s.deb\nSize: 100\nSHA256: %x\n\n",
		name, version, arch, strings.Join(append(fields, "Section: devel"), "\n"), name, arch, sha256.Sum256([]byte(name+version)))
}

// suite is a suite of a mirror.
type suite struct {
	fields        string   // of its Release, for those of a good one
	architectures []string // amd64 without any
	index         string   // of each of them
	key           *openpgp.Key
	damage        func(files map[string][]byte)
}

// serve serves the suite.
func (s suite) serve(t *testing.T) *mirror.Mirror {
	t.Helper()
	var packed bytes.Buffer
	w, err := xz.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(s.index)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(packed.Bytes()))
	if s.fields == "" {
		s.fields = "Codename: bullseye\nAcquire-By-Hash: yes\n"
	}
	if s.architectures == nil {
		s.architectures = []string{"amd64"}
	}
	text := s.fields + "Date: Sat, 21 Nov 2026 00:00:00 UTC\nSHA256:\n"
	files := map[string][]byte{}
	for _, arch := range s.architectures {
		dir := "main/binary-" + arch + "/"
		text += fmt.Sprintf(" %s %d %sPackages.xz\n", sum, packed.Len(), dir)
		at := dir + "Packages.xz"
		if strings.Contains(s.fields, "By-Hash") {
			at = dir + "by-hash/SHA256/" + sum
		}
		files["/dists/bullseye/"+at] = packed.Bytes()
	}
	signed, err := s.key.Clearsign(t.Context(), []byte(text), now)
	if err != nil {
		t.Fatal(err)
	}
	files["/dists/bullseye/InRelease"] = signed
	if s.damage != nil {
		s.damage(files)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, found := files[r.URL.Path]
		if !found {
			http.NotFound(w, r)
			return
		}
		w.Write(data)
	}))
	t.Cleanup(server.Close)
	m, err := mirror.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func resolve(t *testing.T, s suite, tc spec.Toolchain) ([]string, error) {
	t.Helper()
	opened, err := closure.Open(t.Context(), closure.Options{Suite: "bullseye", Mirror: s.serve(t), Keyring: []*openpgp.Certificate{s.key.Public()}, Now: now})
	if err != nil {
		return nil, err
	}
	locked, err := opened.Resolve(t.Context(), closure.Request{Architecture: "amd64", Packages: tc.Packages, Lacks: tc.Lacks})
	var names []string
	for _, l := range locked {
		names = append(names, l.Package+"="+l.Version)
	}
	return names, err
}

func TestResolve(t *testing.T) {
	t.Parallel()
	key := newKey(t, "Archive")
	for _, c := range []struct {
		name  string
		index []string
		ask   string
		want  string // NAME=VERSION…, or what the error says behind a "!"
	}{
		{"alone", []string{pkg("gcc", "1", "amd64"), pkg("other", "1", "amd64")}, "gcc", "gcc=1"},
		{"the highest version", []string{pkg("gcc", "1", "amd64"), pkg("gcc", "1:0", "amd64"), pkg("gcc", "2", "amd64")}, "gcc", "gcc=1:0"},
		{"all that is needed", []string{pkg("gcc", "1", "amd64", "Depends: cpp (>= 1),\n libc6"), pkg("cpp", "1", "all", "Pre-Depends: libc6"), pkg("libc6", "2", "amd64", "Recommends: no, gcc")}, "gcc", "cpp=1 gcc=1 libc6=2"},
		{"in a circle", []string{pkg("gcc", "1", "amd64", "Depends: cpp"), pkg("cpp", "1", "amd64", "Depends: gcc")}, "gcc", "cpp=1 gcc=1"},
		{"the first alternative", []string{pkg("gcc", "1", "amd64", "Depends: none | bb | aa"), pkg("aa", "1", "amd64"), pkg("bb", "1", "amd64")}, "gcc", "bb=1 gcc=1"},
		{"the alternative that is there already", []string{pkg("gcc", "1", "amd64", "Depends: bb | aa"), pkg("aa", "1", "amd64"), pkg("bb", "1", "amd64")}, "aa gcc", "aa=1 gcc=1"},
		{"a package before those that provide it", []string{pkg("gcc", "1", "amd64", "Depends: libc-dev"), pkg("a-libc", "9", "amd64", "Provides: libc-dev"), pkg("libc-dev", "1", "amd64")}, "gcc", "gcc=1 libc-dev=1"},
		{"a virtual package", []string{pkg("gcc", "1", "amd64", "Depends: libc-dev"), pkg("b-libc", "1", "amd64", "Provides: libc-dev"), pkg("a-libc", "1", "amd64", "Provides: xx,\n libc-dev")}, "gcc", "a-libc=1 gcc=1"},
		{"a virtual package that is there already", []string{pkg("gcc", "1", "amd64", "Depends: libc-dev"), pkg("b-libc", "1", "amd64", "Provides: libc-dev"), pkg("a-libc", "1", "amd64", "Provides: libc-dev")}, "b-libc gcc", "b-libc=1 gcc=1"},
		{"a virtual package of a version", []string{pkg("gcc", "1", "amd64", "Depends: libc-dev (>= 2)"), pkg("a-libc", "9", "amd64", "Provides: libc-dev"), pkg("b-libc", "1", "amd64", "Provides: libc-dev (= 2)")}, "gcc", "b-libc=1 gcc=1"},
		{"the version that is asked for", []string{pkg("gcc", "1", "amd64", "Depends: cpp (= 1)"), pkg("cpp", "2", "amd64"), pkg("cpp", "1", "amd64")}, "gcc", "cpp=1 gcc=1"},
		{"two versions", []string{pkg("gcc", "1", "amd64", "Depends: cpp (= 1)"), pkg("cpp", "2", "amd64"), pkg("cpp", "1", "amd64")}, "cpp gcc", "!package gcc: nothing meets its dependency cpp (= 1)"},
		{"another machine", []string{pkg("gcc", "1", "arm64")}, "gcc", "!package gcc: there is none"},
		{"a virtual package asked for", []string{pkg("gcc", "1", "amd64", "Provides: c-compiler")}, "c-compiler", "!package c-compiler: there is none"},
		{"nothing meets it", []string{pkg("gcc", "1", "amd64", "Depends: cpp (>= 2), as | ld"), pkg("cpp", "1", "amd64")}, "gcc", "!dependency cpp (>= 2)\npackage gcc: nothing meets its dependency as | ld"},
		{"left out", []string{pkg("gcc", "1", "amd64", "Depends: perl-base, as | perl"), pkg("as", "1", "amd64"), pkg("perl-base", "1", "amd64")}, "gcc", "gcc=1"},
		{"what provides it is left out", []string{pkg("gcc", "1", "amd64", "Depends: script"), pkg("perl-base", "1", "amd64", "Provides: script")}, "gcc", "gcc=1"},
		{"conflict", []string{pkg("gcc", "1", "amd64", "Conflicts: cpp (<< 2)"), pkg("cpp", "1", "amd64")}, "cpp gcc", "!package gcc: cannot be together with cpp 1"},
		{"conflict with another version", []string{pkg("gcc", "1", "amd64", "Breaks: cpp (<< 1)"), pkg("cpp", "1", "amd64")}, "cpp gcc", "cpp=1 gcc=1"},
		{"conflict with itself", []string{pkg("gcc", "1", "amd64", "Provides: cc", "Conflicts: cc")}, "gcc", "gcc=1"},
		{"any architecture", []string{pkg("gcc", "1", "amd64", "Depends: perl5:any"), pkg("perl5", "1", "amd64", "Multi-Arch: allowed")}, "gcc", "gcc=1 perl5=1"},
		{"a relation that is none", []string{pkg("gcc", "1", "amd64", "Depends: cpp (1)")}, "gcc", `!package "gcc": field Depends: relation "cpp (1)"`},
		{"a size that is none", []string{strings.Replace(pkg("gcc", "1", "amd64"), "100", "x", 1)}, "gcc", `!package "gcc": field Size: "x"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tc := spec.Toolchain{Packages: strings.Fields(c.ask), Without: []spec.LeftOut{{Match: []string{"perl", "perl-*"}}}}
			for range 2 { // the order of the index decides nothing
				got, err := resolve(t, suite{key: key, index: strings.Join(c.index, "")}, tc)
				if want, fails := strings.CutPrefix(c.want, "!"); fails {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("got %v, want an error with %q", err, want)
					}
				} else if err != nil || strings.Join(got, " ") != want {
					t.Errorf("got %v, %v, want %q", got, err, want)
				}
				slices.Reverse(c.index)
			}
		})
	}
}

// Nothing is taken that the keys do not vouch for.
func TestResolveTrustsNoMirror(t *testing.T) {
	t.Parallel()
	key := newKey(t, "Archive")
	index := pkg("gcc", "1", "amd64")
	tc := spec.Toolchain{Packages: []string{"gcc"}}
	for name, fields := range map[string]string{"by hash": "Codename: bullseye\nAcquire-By-Hash: yes\n", "by name": "Codename: bullseye\n"} {
		if got, err := resolve(t, suite{key: key, fields: fields, index: index}, tc); err != nil || len(got) != 1 {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	change := func(file, old, new string) func(map[string][]byte) {
		return func(files map[string][]byte) {
			for name := range files {
				if strings.Contains(name, file) {
					files[name] = bytes.Replace(files[name], []byte(old), []byte(new), 1)
				}
			}
		}
	}
	other, err := newKey(t, "Other").Clearsign(t.Context(), []byte("Codename: bullseye\nDate: Sat, 21 Nov 2026 00:00:00 UTC\nSHA256:\n"), now)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		fields string
		damage func(map[string][]byte)
		want   error
		says   string
	}{
		{"changed InRelease", "", change("InRelease", "bullseye", "bullsexe"), openpgp.ErrBadSignature, ""},
		{"InRelease of another", "", func(f map[string][]byte) { f["/dists/bullseye/InRelease"] = other }, openpgp.ErrUnknownSigner, ""},
		{"no InRelease", "", func(f map[string][]byte) { delete(f, "/dists/bullseye/InRelease") }, mirror.ErrGone, ""},
		{"unsigned", "", func(f map[string][]byte) { f["/dists/bullseye/InRelease"] = []byte("Codename: bullseye\n") }, openpgp.ErrMalformed, ""},
		{"changed index", "", change("by-hash", "7zXZ", "7zXY"), mirror.ErrOther, ""},
		{"no index", "", func(f map[string][]byte) {
			for name := range f {
				if strings.Contains(name, "by-hash") {
					delete(f, name)
				}
			}
		}, mirror.ErrGone, ""},
		{"another suite", "Codename: bookworm\nSuite: bullseye\n", nil, nil, `InRelease: is that of "bookworm"`},
		{"too old", "Codename: bullseye\nValid-Until: Sat, 21 Nov 2026 12:00:00 UTC\n", nil, nil, "InRelease: was valid until 2026-11-21"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := resolve(t, suite{key: key, fields: c.fields, index: index, damage: c.damage}, tc)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestHostKeyring(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if _, err := closure.HostKeyring(root); err == nil || !strings.Contains(hint.Of(err), "--keyring") {
		t.Errorf("got %v with the hint %q", err, hint.Of(err))
	}
	one, two := newKey(t, "One"), newKey(t, "Two")
	both, err := openpgp.MarshalKeyring(openpgp.BinaryKeyring, one.Public(), two.Public())
	if err != nil {
		t.Fatal(err)
	}
	armored, err := openpgp.MarshalKeyring(openpgp.ArmoredKeyring, two.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"usr/share/keyrings/debian-archive-keyring.gpg": both, "etc/apt/trusted.gpg.d/debian-archive-x.asc": armored, "etc/apt/trusted.gpg.d/other.asc": []byte("x")} {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(root, "usr/share/keyrings/debian-archive-keyring.pgp")); err != nil {
		t.Fatal(err)
	}
	keys, err := closure.HostKeyring(root)
	if err != nil || len(keys) != 2 {
		t.Errorf("got %v, %v", keys, err)
	}
}

// A lock that is written reads back as it was; the one that is committed is as it would be written.
func TestText(t *testing.T) {
	t.Parallel()
	data, err := specs.FS.ReadFile("toolchains/bullseye.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := spec.Load(specs.FS, templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	bullseye, _ := s.Toolchain("bullseye")
	if text := closure.Text(bullseye); !bytes.Equal(text, data) {
		t.Errorf("specs/toolchains/bullseye.yaml would be written as\n%s", text)
	}
	strange := spec.Toolchain{
		Suite: "trixie", Architecture: "arm64", Packages: []string{"no", "gcc"},
		Without: []spec.LeftOut{{Match: []string{"*x", "7zip"}, Why: strings.Repeat("word: #1 ", 40)}},
		Links:   []spec.Symlink{{Path: "usr/bin/[", To: "../a b\"c"}, {Path: "null", To: "~"}},
		Locked: []spec.Locked{
			{Package: "gcc", Version: "1.10", Architecture: "all", Path: "pool/g++~1.deb", Size: 1, SHA256: strings.Repeat("1", 64)},
			{Package: "no", Version: "1:0x10", Architecture: "arm64", Path: "pool/7.deb", Size: 1, SHA256: strings.Repeat("0e", 32)},
		},
	}
	s, err = spec.Load(fstest.MapFS{"x.yaml": &fstest.MapFile{Data: closure.Text(strange)}}, fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := s.Toolchain("trixie")
	got.Without[0].Why += " " // the prose is folded
	if !reflect.DeepEqual(got, strange) {
		t.Errorf("got\n%+v, want\n%+v", got, strange)
	}
}
