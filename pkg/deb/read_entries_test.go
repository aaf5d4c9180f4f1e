package deb_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"kubedist/pkg/deb"
)

func TestReadEntries(t *testing.T) {
	t.Parallel()
	var plain bytes.Buffer
	w := tar.NewWriter(&plain)
	for _, h := range []tar.Header{
		{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "./usr/bin/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "./usr/bin/cc1", Typeflag: tar.TypeReg, Mode: 0o755, Size: 3},
		{Name: "./usr/../../etc/x", Typeflag: tar.TypeReg, Mode: 0o644},
		{Name: "./usr/bin/cc", Typeflag: tar.TypeSymlink, Linkname: "../../usr/./bin/cc1"},
		{Name: "./usr/bin/c", Typeflag: tar.TypeLink, Linkname: "./usr/bin/../../../x"},
		{Name: "./dev/null", Typeflag: tar.TypeChar},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte{'c'}, int(h.Size))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := []deb.Entry{
		{Path: "", Type: tar.TypeDir, Executable: true},
		{Path: "usr/bin", Type: tar.TypeDir, Executable: true},
		{Path: "usr/bin/cc1", Type: tar.TypeReg, Executable: true, Size: 3},
		{Path: "etc/x", Type: tar.TypeReg},
		{Path: "usr/bin/cc", Type: tar.TypeSymlink, Target: "../../usr/./bin/cc1"},
		{Path: "usr/bin/c", Type: tar.TypeLink, Target: "x"},
		{Path: "dev/null", Type: tar.TypeChar},
	}
	for _, kind := range []string{"", "gz", "xz", "zst"} {
		var got []deb.Entry
		var contents string
		file := dataDeb(t, "amd64", kind, plain.Bytes())
		info, err := new(deb.Reader).ReadEntries(t.Context(), bytes.NewReader(file), deb.Limits{}, func(e deb.Entry, r io.Reader) error {
			data, err := io.ReadAll(r)
			got, contents = append(got, e), contents+string(data)
			return err
		})
		if err != nil || !reflect.DeepEqual(got, want) || contents != "ccc" || info.Size != int64(len(file)) {
			t.Errorf("%q: got %+v, contents %q, %v", kind, got, contents, err)
		}
	}
}

func TestReadEntriesStops(t *testing.T) {
	t.Parallel()
	file := dataDeb(t, "amd64", "xz", tarFile(t, entry{"./a", "x", tar.TypeReg}, entry{"./b", "x", tar.TypeReg}))
	calls, stop := 0, errors.New("stop")
	each := func(deb.Entry, io.Reader) error { calls++; return stop }
	if _, err := new(deb.Reader).ReadEntries(t.Context(), bytes.NewReader(file), deb.Limits{}, each); !errors.Is(err, stop) || calls != 1 {
		t.Errorf("called %d times, %v", calls, err)
	}
	each = func(deb.Entry, io.Reader) error { return nil }
	for _, limits := range []deb.Limits{{Files: 1}, {Data: 1024}, {File: 100}} {
		if _, err := new(deb.Reader).ReadEntries(t.Context(), bytes.NewReader(file), limits, each); err == nil {
			t.Errorf("%+v allow a package that is larger", limits)
		}
	}
}

// A sparse file is a gigabyte made of two kilobytes.
func TestReadEntriesRefusesSparseFiles(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("tar"); err != nil {
		t.Skip("tar is not installed")
	}
	for _, format := range []string{"gnu", "posix"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(filepath.Join(dir, "x"), 1<<30); err != nil {
			t.Fatal(err)
		}
		plain, err := exec.CommandContext(t.Context(), "tar", "--sparse", "--format="+format, "-C", dir, "-c", "x").Output()
		if err != nil || len(plain) > 1<<20 {
			t.Skipf("this tar makes no sparse files: %d bytes, %v", len(plain), err)
		}
		read := 0
		_, err = new(deb.Reader).ReadEntries(t.Context(), bytes.NewReader(dataDeb(t, "amd64", "gz", plain)), deb.Limits{}, func(e deb.Entry, _ io.Reader) error {
			if e.Type == tar.TypeReg {
				read++
			}
			return nil
		})
		if read > 0 || format == "posix" && err == nil {
			t.Errorf("%s: read %d files, %v", format, read, err)
		}
	}
}
