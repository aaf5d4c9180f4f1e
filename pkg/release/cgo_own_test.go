package release

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kubedist/pkg/platform"
)

// TestIdentify: an own compiler is another one when its program, its flags, the assembler that it finds by PATH or the C library
// it links with is. Variables that the compiler would not have when it compiles, such as LIBRARY, change nothing.
func TestIdentify(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	write := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("own-as", "one")
	library := write("libc.a", "one")
	cc := write("cc", fmt.Sprintf("#!/bin/sh\ncase $* in *=libc.a) echo ${LIBRARY-%s};; *=as) echo own-as;; *) exit 1;; esac\n", library))
	known := map[string]string{}
	for _, change := range []struct {
		what, cc string
		change   func()
	}{
		{"at first", cc, func() {}},
		{"other flags", cc + " -m64", func() {}},
		{"another library", cc, func() { write("libc.a", "two") }},
		{"another assembler", cc, func() { write("own-as", "two") }},
		{"no library", cc, func() { _ = os.Remove(library) }},
		{"another program", write("cc2", "#!/bin/sh\nexit 1\n"), func() {}},
	} {
		change.change()
		got, err := identify(t.Context(), append(os.Environ(), "LIBRARY="+dir), platform.ID{OS: "linux", Arch: "arm64"}, change.cc)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(got, "CC_linux_arm64="+change.cc+" sha256:") || known[got] != "" {
			t.Errorf("%s: %s, as %s", change.what, got, known[got])
		}
		if known[got] = change.what; strings.Contains(got, library) {
			t.Errorf("%s: names a path of the machine: %s", change.what, got)
		}
	}
}
