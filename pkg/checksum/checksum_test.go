package checksum_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"kubedist/pkg/checksum"
)

// The digests of "abc", from FIPS 180-2, appendices B.1 and C.1.
const (
	abc256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	abc512 = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
		"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
)

func ExampleSums_WriteTo() {
	sums := checksum.Sums{Algorithm: checksum.SHA256, Files: map[string]string{
		"tarballs/b.tar.gz": abc256,
		"debs/a.deb":        abc256,
	}}
	_, err := sums.WriteTo(os.Stdout)
	fmt.Println(err)
	// Output:
	// ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  debs/a.deb
	// ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  tarballs/b.tar.gz
	// <nil>
}

// tree writes files (path to content) into a new directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFile(t *testing.T) {
	t.Parallel()
	dir := tree(t, map[string]string{"abc": "abc"})
	got, err := checksum.File(t.Context(), filepath.Join(dir, "abc"))
	if err != nil {
		t.Fatal(err)
	}
	want := checksum.Digests{Size: 3, SHA256: abc256, SHA512: abc512}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	missing := filepath.Join(dir, "missing")
	if _, err := checksum.File(t.Context(), missing); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("missing file: %v", err)
	}
}

func TestReadStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	endless := readerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })
	if _, err := checksum.Read(ctx, endless); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	boom := errors.New("boom")
	if _, err := checksum.Read(t.Context(), iotest.ErrReader(boom)); !errors.Is(err, boom) {
		t.Errorf("failing reader: %v", err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// The digests come back in the order asked for, however many files are read at a time.
func TestFiles(t *testing.T) {
	t.Parallel()
	content := map[string]string{}
	var names []string
	for i := range 20 {
		name := fmt.Sprintf("d%d/f%d", i%3, i)
		content[name] = strings.Repeat("x", i)
		names = append(names, name)
	}
	dir := tree(t, content)
	for _, jobs := range []int{-1, 1, 4, 100} {
		got, err := checksum.Files(t.Context(), dir, names, jobs)
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range got {
			if d.Size != int64(i) {
				t.Errorf("jobs %d: size %d for %s, want %d", jobs, d.Size, names[i], i)
			}
		}
	}
	if _, err := checksum.Files(t.Context(), dir, append(names, "missing"), 2); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	line := func(name string) string { return abc256 + "  " + name + "\n" }
	tests := []struct {
		name, text, want string // want is a part of the error, "" for none
	}{
		{"one", line("a"), ""},
		{"unsorted", line("b") + line("a"), ""},
		{"blanks in the name", line(" a b "), ""},
		{"empty", "", "line 1: no sums"},
		{"no newline", strings.TrimSuffix(line("a"), "\n"), "line 1: no end of line"},
		{"empty line", line("a") + "\n", "line 2: no SHA256 digest"},
		{"binary mode", abc256 + " *a\n", "line 1: no SHA256 digest and two blanks"},
		{"one blank", abc256 + " a\n", "line 1: no SHA256 digest and two blanks"},
		{"other algorithm", abc512 + "  a\n", "line 1: no SHA256 digest and two blanks"},
		{"upper case", strings.ToUpper(abc256) + "  a\n", "lower-case hex digits"},
		{"not hex", strings.Replace(abc256, "b", "g", 1) + "  a\n", "lower-case hex digits"},
		{"bare digest", abc256 + "\n", "line 1: no SHA256 digest and two blanks"},
		{"no name", line(""), "not a plain relative path"},
		{"twice", line("a") + line("b") + line("a"), `line 3: path "a" comes twice`},
		{"absolute", line("/etc/passwd"), "not a plain relative path"},
		{"out of the directory", line("a/../../b"), "not a plain relative path"},
		{"dot", line("./a"), "not a plain relative path"},
		{"escaped", `\` + abc256 + "  a\\\\b\n", "line 1: no SHA256 digest"},
		{"backslash", line(`a\b`), "backslash or control character"},
		{"carriage return", line("a\r"), "backslash or control character"},
		{"not UTF-8", line("a\xff"), "not a plain relative path"},
		{"long name", line(strings.Repeat("a", 4096)), ""},
		{"too long name", line(strings.Repeat("a", 4097)), "line 1: no end of line"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sums, err := checksum.Parse(strings.NewReader(test.text), checksum.SHA256)
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if len(sums.Files) != strings.Count(test.text, "\n") {
					t.Errorf("got %d files", len(sums.Files))
				}
				return
			}
			if !errors.Is(err, checksum.ErrFormat) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	boom := errors.New("boom")
	if _, err := checksum.Parse(io.MultiReader(strings.NewReader(line("a")), iotest.ErrReader(boom)), checksum.SHA256); !errors.Is(err, boom) {
		t.Errorf("failing reader: %v", err)
	}
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]checksum.Sums{
		"newline":           {Algorithm: checksum.SHA256, Files: map[string]string{"a": abc256, "a\nb": abc256}},
		"backslash":         {Algorithm: checksum.SHA256, Files: map[string]string{`a\b`: abc256}},
		"absolute":          {Algorithm: checksum.SHA256, Files: map[string]string{"/a": abc256}},
		"no digest":         {Algorithm: checksum.SHA256, Files: map[string]string{"a": ""}},
		"other digest":      {Algorithm: checksum.SHA512, Files: map[string]string{"a": abc256}},
		"unknown algorithm": {Algorithm: "MD5", Files: map[string]string{"a": abc256[:32]}},
	}
	for name, sums := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if _, err := sums.WriteTo(&out); !errors.Is(err, checksum.ErrFormat) {
				t.Errorf("error %v", err)
			}
			if out.Len() > 0 {
				t.Errorf("wrote %q", out.String())
			}
		})
	}
}

// What WriteTo makes, the tools that users have accept.
func TestCoreutils(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b c", "d/e~1.deb", "d/f+x", "*star", " blank"}
	content := map[string]string{}
	for _, name := range names {
		content[name] = "content of " + name
	}
	dir := tree(t, content)
	digests, err := checksum.Files(t.Context(), dir, names, 2)
	if err != nil {
		t.Fatal(err)
	}
	for algorithm, tool := range map[checksum.Algorithm]string{checksum.SHA256: "sha256sum", checksum.SHA512: "sha512sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
		var sums bytes.Buffer
		if _, err := checksum.NewSums(algorithm, names, digests).WriteTo(&sums); err != nil {
			t.Fatal(err)
		}
		command := exec.CommandContext(t.Context(), tool, "--check", "--strict")
		command.Dir = dir
		command.Stdin = bytes.NewReader(sums.Bytes())
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", tool, err, out)
		}
		command = exec.CommandContext(t.Context(), tool, append([]string{"--"}, slices.Sorted(slices.Values(names))...)...)
		command.Dir = dir
		theirs, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(sums.Bytes(), theirs) {
			t.Errorf("%s prints\n%sand this package\n%s", tool, theirs, sums.Bytes())
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	dir := tree(t, map[string]string{"same": "abc", "changed": "abd", "d/extra": "", "SHA256SUMS": ""})
	if err := os.Symlink("same", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	sums := checksum.Sums{Algorithm: checksum.SHA256, Files: map[string]string{
		"same": abc256, "changed": abc256, "d/gone": abc256, "link": abc256,
	}}
	ignore := func(name string) bool { return name == "SHA256SUMS" }
	got, err := checksum.Verify(t.Context(), dir, sums, checksum.VerifyOptions{Jobs: 3, Ignore: ignore})
	if err != nil {
		t.Fatal(err)
	}
	abd := "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9"
	want := []checksum.Finding{
		{Name: "changed", Problem: checksum.Different, Want: abc256, Got: abd},
		{Name: "d/extra", Problem: checksum.Extra},
		{Name: "d/gone", Problem: checksum.Missing, Want: abc256},
		{Name: "link", Problem: checksum.Irregular, Want: abc256},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if line := got[0].String(); line != "changed: different: listed as "+abc256+", is "+abd {
		t.Errorf("finding prints as %q", line)
	}
	if line := got[2].String(); line != "d/gone: missing" {
		t.Errorf("finding prints as %q", line)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := checksum.Verify(cancelled, dir, sums, checksum.VerifyOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := checksum.Verify(t.Context(), filepath.Join(dir, "missing"), sums, checksum.VerifyOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing directory: %v", err)
	}
}

// A directory on the way to a listed file must not lead out of the tree.
func TestVerifyStaysInside(t *testing.T) {
	t.Parallel()
	outside := tree(t, map[string]string{"file": "abc"})
	dir := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "d")); err != nil {
		t.Fatal(err)
	}
	sums := checksum.Sums{Algorithm: checksum.SHA256, Files: map[string]string{"d/file": abc256}}
	if findings, err := checksum.Verify(t.Context(), dir, sums, checksum.VerifyOptions{}); err == nil {
		t.Errorf("read a file outside of the directory: %v", findings)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(abc256 + "  a\n" + abc256 + "  b/c\n"))
	f.Add([]byte(`\` + abc256 + "  a\\nb\n"))
	f.Add([]byte(abc256 + " *a\n"))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		sums, err := checksum.Parse(bytes.NewReader(data), checksum.SHA256)
		if err != nil {
			if !errors.Is(err, checksum.ErrFormat) {
				t.Errorf("error without ErrFormat: %v", err)
			}
			return
		}
		var out bytes.Buffer
		if _, err := sums.WriteTo(&out); err != nil {
			t.Fatalf("what was parsed cannot be written: %v", err)
		}
		if out.Len() != len(data) {
			t.Errorf("%d bytes read, %d written", len(data), out.Len())
		}
		again, err := checksum.Parse(&out, checksum.SHA256)
		if err != nil || !reflect.DeepEqual(again, sums) {
			t.Errorf("second reading: %v %v, want %v", again, err, sums)
		}
	})
}
