package deb_test

import (
	"bytes"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"kubedist/pkg/deb"
)

// TestReaderForgets reads packages of all kinds with one reader, broken ones in between, in such an order that each kind
// follows each: nothing of one may show in the next.
func TestReaderForgets(t *testing.T) {
	t.Parallel()
	var files [][]byte
	for i, kind := range []string{"", "gz", "xz", "zst"} {
		text := strings.Replace(control, "1.36.3", "1.36."+strings.Repeat("7", i+1), 1)
		whole := arFile(format, member{strings.TrimSuffix("control.tar."+kind, "."), compress(t, kind, controlTar(t, text)), -1},
			member{strings.TrimSuffix("data.tar."+kind, "."), compress(t, kind, tarFile(t, entry{"./usr/bin/x", elfText(2, 1, 2, 62), 0})), -1})
		broken := bytes.Clone(whole)
		broken[len(broken)/3] ^= 1 // in the middle of the control member
		files = append(files, whole, broken, whole[:len(whole)-20])
	}
	var reader deb.Reader
	for i := range files {
		for j := range files {
			for _, file := range [][]byte{files[i], files[j]} {
				want, wantErr := deb.Read(t.Context(), bytes.NewReader(file), deb.Limits{})
				got, err := reader.Read(t.Context(), bytes.NewReader(file), deb.Limits{})
				if !reflect.DeepEqual(got, want) || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
					t.Errorf("file %d before %d: got %+v, %v, want %+v, %v", i, j, got, err, want, wantErr)
				}
			}
		}
	}
}

// TestReaderReservesLittle reads small packages that ask for dictionaries of 8 MiB.
func TestReaderReservesLittle(t *testing.T) {
	for _, kind := range []string{"gz", "xz", "zst"} {
		file := arFile(format, member{"control.tar." + kind, compress(t, kind, controlTar(t, control)), -1}, data)
		var reader deb.Reader
		read := func() {
			if _, err := reader.Read(t.Context(), bytes.NewReader(file), deb.Limits{}); err != nil {
				t.Fatal(err)
			}
		}
		read()
		const runs = 100
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			read()
		}
		runtime.ReadMemStats(&after)
		if got, most := (after.TotalAlloc-before.TotalAlloc)/runs, uint64(256<<10); got > most {
			t.Errorf("%s: %d bytes a package, want %d at most", kind, got, most)
		}
	}
}
