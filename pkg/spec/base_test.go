package spec_test

import (
	"strings"
	"testing"

	"kubedist/pkg/spec"
)

// smallBases follows small, line 64 on.
const smallBases = `bases:
  - name: files
    suite: trixie
    packages: [ca-certificates, libc6]
    without:
      - {match: [openssl], why: prose}
    exclude:
      - {match: [usr/share/man], why: prose}
    bundles:
      - {match: "usr/share/*.crt", to: /etc/ssl/ca.crt, drop: true}
    files:
      - {template: kubeadm/unit, to: /etc/passwd}
    links:
      - {path: usr/sbin/iptables, to: xtables}
    locked:
      - {package: ca-certificates, version: "1", architecture: all, path: pool/c.deb, size: 1, sha256: 0023456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}
      - {package: libc6, version: "1", architecture: amd64, path: pool/l.deb, size: 1, sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}
      - {package: libc6, version: "1", architecture: s390x, path: pool/s.deb, size: 1, sha256: 0223456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef}
  - name: disk
    layout: base@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  - name: far
    reference: example.org/a/b@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
`

func TestBase(t *testing.T) {
	t.Parallel()
	s, err := loadText(small + smallBases)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := s.Base("files")
	var names []string
	for _, p := range b.LockedFor("s390x") {
		names = append(names, p.Package+" "+p.Architecture)
	}
	if got, want := strings.Join(names, ", "), "ca-certificates all, libc6 s390x"; got != want {
		t.Errorf("locked are %s, want %s", got, want)
	}
	if !b.Covers("amd64") || b.Covers("arm64") {
		t.Error("it is for amd64, not for arm64")
	}
	if !b.Excludes("usr/share/man/man1/x") || b.Excludes("usr/share") || !b.Lacks("openssl") || b.Lacks("libc6") {
		t.Error("what is left out is not")
	}
	if other, ok := s.Base("far"); !ok || other.Packed() || !b.Packed() {
		t.Errorf("got %+v", other)
	}
}

// The digest for an architecture changes with all that decides what is in the base there, and with nothing else.
func TestBaseDigest(t *testing.T) {
	t.Parallel()
	digest := func(text string) string {
		s, err := loadText(small + text)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := s.Base("files")
		return b.Digest("amd64")
	}
	first := digest(smallBases)
	for _, c := range []struct {
		old, new string
		same     bool
	}{
		{"pool/l", "pool/other", true}, {"prose", "other prose", true}, {"sha256: 0123", "sha256: 1123", false}, {"sha256: 0223", "sha256: 1223", true},
		{"sha256: 0023", "sha256: 1023", false}, {"usr/share/man", "usr/share/doc", false}, {"usr/share/*", "usr/share/?", false}, {"ssl/ca", "ssl/cb", false},
		{", drop: true", "", false}, {"kubeadm/unit", "kubeadm/postinst", false}, {"/etc/passwd", "/etc/group", false}, {"to: xtables", "to: other", false},
	} {
		if strings.Count(smallBases, c.old) < 1 {
			t.Fatalf("%q does not occur", c.old)
		}
		if got := digest(strings.Replace(smallBases, c.old, c.new, 1)); (got == first) != c.same {
			t.Errorf("%s for %s: same digest is %v", c.new, c.old, !c.same)
		}
	}
	s, err := loadText(small + smallBases)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := s.Base("files")
	disk, _ := s.Base("disk")
	far, _ := s.Base("far")
	if b.Digest("s390x") == first || disk.Digest("amd64") == far.Digest("amd64") {
		t.Error("digests of other files are the same")
	}
}

func TestPinned(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("0", 64)
	for text, want := range map[string]string{
		"x@" + digest: "x", "a@b/c@" + digest: "a@b/c", "../x y@" + digest: "../x y",
		"@" + digest: "", "x": "", "": "", digest: "", "x@" + digest + "0": "", "x@sha512:" + strings.Repeat("0", 64): "", "x@sha256:" + strings.Repeat("A", 64): "",
	} {
		name, got, ok := spec.Pinned(text)
		if ok != (want != "") || ok && (name != want || got != digest) {
			t.Errorf("%q: got %q, %q, %v", text, name, got, ok)
		}
	}
}

func TestBaseNamesTheMistake(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, old, new, want string }{
		{"unknown field", "bundles:", "bundle:", `specs/all.yaml:72: unknown field "bundle"`},
		{"base twice", "name: far", "name: disk", `specs/all.yaml:84: name: base "disk" is declared twice, first at specs/all.yaml:82`},
		{"name's form", "name: far", "name: Far", `specs/all.yaml:84: name: "Far" is not lower-case`},
		{"no origin", "    layout: base@", "    reference: ''\n    layout: ''\n#", "specs/all.yaml:82: suite, layout, reference: exactly one"},
		{"two origins", "suite: trixie", "suite: trixie\n    layout: x", "specs/all.yaml:65: suite, layout, reference: exactly one"},
		{"an image with packages", "    layout:", "    packages: [x]\n    layout:", "specs/all.yaml:82: suite: missing"},
		{"layout without a digest", "base@sha256:0", "base", `specs/all.yaml:83: layout: "base123`},
		{"reference without a digest", "/b@sha256:0", "/b:v1@sha256:", `specs/all.yaml:85: reference: "example.org/a/b:v1@`},
		{"reference with a tag", "a/b@", "a/b:v1@", `specs/all.yaml:85: reference: "example.org/a/b:v1@`},
		{"reference without a registry", "example.org/a/b@", "a/b@", `specs/all.yaml:85: reference: "a/b@`},
		{"reference in capitals", "a/b@", "a/B@", `specs/all.yaml:85: reference: "example.org/a/B@`},
		{"suite's form", "suite: trixie", "suite: ../x", `specs/all.yaml:66: suite: "../x" is not the codename`},
		{"nothing asked for", "[ca-certificates, libc6]", "[]", "specs/all.yaml:65: packages: missing"},
		{"asked for and left out", "[openssl]", "[libc*]", "specs/all.yaml:67: packages: libc6 is left out"},
		{"asked for and not locked", "libc6]", "libc6, iptables]", "specs/all.yaml:67: packages: iptables is asked for and not locked for amd64: run kubedist image base lock files"},
		{"left out without a reason", "openssl], why: prose", "openssl]", "specs/all.yaml:69: why: missing"},
		{"pattern's form", "usr/share/man]", `"usr/[x"]`, `specs/all.yaml:71: match: "usr/[x" is no pattern`},
		{"bundle's pattern", `"usr/share/*.crt"`, `"/usr/*.crt"`, `specs/all.yaml:73: match: "/usr/*.crt" is no pattern`},
		{"bundle's target", "to: /etc/ssl/ca.crt", "to: etc/ssl/ca.crt", `specs/all.yaml:73: to: "etc/ssl/ca.crt" is not the clean absolute path`},
		{"template", "template: kubeadm/unit", "template: base/passwd", "specs/all.yaml:75: template: templates/base/passwd does not exist"},
		{"file's target", "to: /etc/passwd", "to: /etc/", `specs/all.yaml:75: to: "/etc/" is not the clean absolute path`},
		{"made twice", "to: /etc/passwd", "to: /etc/ssl/ca.crt", "specs/all.yaml:75: to: /etc/ssl/ca.crt is made twice"},
		{"link's path", "path: usr/sbin/iptables", "path: /usr/sbin/iptables", `specs/all.yaml:77: path: "/usr/sbin/iptables" is not a clean path`},
		{"lock out of order", "package: ca-certificates, version: \"1\", architecture: all", "package: ca-certificates, version: \"1\", architecture: arm64", "specs/all.yaml:80: package: libc6 of amd64 stands after ca-certificates of arm64"},
		{"two for one architecture", "package: libc6, version: \"1\", architecture: amd64", "package: ca-certificates, version: \"1\", architecture: amd64", "specs/all.yaml:67: packages: libc6 is asked for and not locked for amd64"},
		{"architecture's form", "architecture: s390x", "architecture: S390", "specs/all.yaml:81: architecture: "},
		{"digest's form", "sha256: 0223", "sha256: 223", `specs/all.yaml:81: sha256: "223`},
		{"path of a package", "pool/s.deb", "/s.deb", `specs/all.yaml:81: path: "/s.deb" is not the path`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(smallBases, test.old) {
				t.Fatalf("%q does not occur", test.old)
			}
			_, err := loadText(small + strings.Replace(smallBases, test.old, test.new, 1))
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("error is %v, want one that begins with %q", err, test.want)
			}
		})
	}
}
