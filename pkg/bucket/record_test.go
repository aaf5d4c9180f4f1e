package bucket

import (
	"bytes"
	"compress/gzip"
	"maps"
	"strings"
	"testing"
)

const anyDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestRecord(t *testing.T) {
	t.Parallel()
	r := &record{push: 7, objects: map[string]recorded{
		"pool/a b+c~d.deb":  {size: 12, version: `"etag-2"`, sha256: anyDigest},
		"dists/x/InRelease": {size: 0, version: "123", sha256: anyDigest, gone: 3},
	}}
	want := maps.Clone(r.objects)
	r.objects["of a version with blanks"] = recorded{version: "a b", sha256: anyDigest}
	r.objects["two\nlines"] = recorded{version: "1", sha256: anyDigest}
	r.objects["of no version"] = recorded{sha256: anyDigest}
	data, err := r.format()
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseRecord(data)
	if err != nil || got.push != 7 || !maps.Equal(got.objects, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	other, err := r.format()
	if err != nil || !bytes.Equal(data, other) {
		t.Error("two records of the same differ")
	}
}

func pack(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text))
	z.Close()
	return b.Bytes()
}

func TestBadRecord(t *testing.T) {
	t.Parallel()
	good := recordHead + " 2\n" + anyDigest + " 1 0 v name\n"
	if _, err := parseRecord(pack(good)); err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{
		nil, []byte("plain"), pack(""), pack(good)[:20],
		pack(strings.Replace(good, "pushed 1", "pushed 2", 1)), pack(strings.Replace(good, " 2\n", " 0\n", 1)),
		pack(strings.Replace(good, " 1 0", " -1 0", 1)), pack(strings.Replace(good, " 1 0", " 1 3", 1)), pack(strings.Replace(good, anyDigest, "e3", 1)),
		pack(strings.Replace(good, " v name", " name", 1)),
	} {
		if r, err := parseRecord(data); err == nil {
			t.Errorf("%q: read as %+v", data, r)
		}
	}
}

// FuzzRecord reads what may lie in a bucket that others can write to. What it takes it must write the same again.
func FuzzRecord(f *testing.F) {
	f.Add(recordHead + " 2\n" + anyDigest + " 1 0 v name\n" + anyDigest + " 1 2 v other name\n")
	f.Add(recordHead + " 1\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRecord(pack(text))
		if err != nil {
			return
		}
		data, err := r.format()
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseRecord(data)
		if err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(r.objects, func(_ string, o recorded) bool { return o.version == "" })
		if again.push != r.push || !maps.Equal(again.objects, r.objects) {
			t.Errorf("%+v became %+v", r, again)
		}
	})
}
