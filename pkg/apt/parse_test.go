package apt_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/apt"
)

const someRelease = "Suite: x\nDate: Tue, 14 Jul 2026 09:30:00 UTC\nSHA256:\n 7e41f8dcdfc558a2d883de0e636636b476342a3ad3e3f40ff126a17229edbd0e 12 main/binary-amd64/Packages\n"

func TestParseRelease(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"UTC", "GMT", "+0000", "Z"} {
		r, err := apt.ParseRelease([]byte(strings.Replace(someRelease, "UTC", zone, 1)))
		if err != nil || !r.Date.Equal(epoch) || len(r.Files) != 1 || r.Files[0].Size != 12 {
			t.Errorf("%s: got %+v, %v", zone, r, err)
		}
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"another zone", "UTC", "CEST", "field Date: "},
		{"no date", "Date:", "Data:", "field Date: "},
		{"end in another zone", "Suite: x", "Valid-Until: Tue, 14 Jul 2026 09:30:00 +0200", "field Valid-Until: "},
		{"no list", "SHA256:", "SHA1:", "field SHA256: missing"},
		{"short digest", "7e41", "7e4", "is no SHA-256"},
		{"upper case", "7e41", "7E41", "is no SHA-256"},
		{"size", " 12 ", " -1 ", `size "-1" is no number`},
		{"path", "main/", "../main/", `path "../main/binary-amd64/Packages" leaves the suite`},
		{"absolute path", "main/", "/main/", "leaves the suite"},
		{"unclean path", "main/", "main//", "leaves the suite"},
		{"itself", "main/binary-amd64/Packages", "InRelease", `path "InRelease" cannot be listed`},
		{"words", " 12 ", " 12 x ", "is no digest, size and path"},
		{"twice", "SHA256:\n", "SHA256:\n 7e41f8dcdfc558a2d883de0e636636b476342a3ad3e3f40ff126a17229edbd0e 12 main/binary-amd64/Packages\n", "is listed twice"},
		{"not deb822", "Suite", "Suite x", "line 1: "},
	} {
		if _, err := apt.ParseRelease([]byte(strings.Replace(someRelease, c.old, c.new, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

func ExampleRelease_Text() {
	r := apt.Release{
		Origin: "Kubernetes", Suite: "v1.36", Codename: "v1.36", AcquireByHash: true,
		Date: time.Date(2026, 7, 14, 9, 30, 0, 0, time.UTC), Architectures: []string{"amd64", "arm64"}, Components: []string{"main"},
		Files: []apt.ReleaseFile{{Path: "main/binary-amd64/Packages", Size: 12, SHA256: strings.Repeat("0", 64)}},
	}
	text, err := r.Text()
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(text)
	// Output:
	// Origin: Kubernetes
	// Suite: v1.36
	// Codename: v1.36
	// Date: Tue, 14 Jul 2026 09:30:00 UTC
	// Acquire-By-Hash: yes
	// Architectures: amd64 arm64
	// Components: main
	// SHA256:
	//  0000000000000000000000000000000000000000000000000000000000000000         12 main/binary-amd64/Packages
}

func FuzzParseRelease(f *testing.F) {
	f.Add([]byte(someRelease))
	golden, err := os.ReadFile("testdata/Release")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := apt.ParseRelease(text)
		if err != nil {
			return
		}
		for _, file := range first.Files {
			if strings.HasPrefix(file.Path, "/") || slices.Contains(strings.Split(file.Path, "/"), "..") {
				t.Errorf("path %q leaves the suite", file.Path)
			}
		}
		again, err := first.Text()
		if err != nil || len(first.Files) == 0 {
			return // fields on several lines are read but not written
		}
		second, err := apt.ParseRelease(again)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, again)
		}
		if third, err := second.Text(); err != nil || string(third) != string(again) {
			t.Errorf("round trip gives %s, was %s", third, again)
		}
	})
}

func FuzzParsePackages(f *testing.F) {
	golden, err := os.ReadFile("testdata/Packages")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(golden))
	f.Add("Package: kubeadm\nVersion: 1\nArchitecture: all\nFilename: pool/../x\nSize: 1\nSHA256: 00\n")
	f.Fuzz(func(t *testing.T, text string) {
		first, err := apt.ParsePackages(text)
		if err != nil {
			return
		}
		second, err := apt.ParsePackages(strings.Join(first, "\n"))
		if err != nil || !slices.Equal(first, second) {
			t.Errorf("round trip gives %q, %v, was %q", second, err, first)
		}
	})
}

func FuzzSignedText(f *testing.F) {
	f.Add([]byte("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\ntext\n- -dash\n-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if text, err := apt.SignedText(file); err == nil && len(text) > len(file) {
			t.Errorf("the text %q is longer than the file %q", text, file)
		}
	})
}
