package bindiff

import (
	"bytes"
	"debug/elf"
	"io"
	"testing"
)

// FuzzCompare compares files of any bytes: nothing may panic, and only equal ones are the same.
func FuzzCompare(f *testing.F) {
	f.Add([]byte(elf.ELFMAG), []byte("MZ"))
	f.Add(append([]byte(elf.ELFMAG+"\x02\x01\x01"), make([]byte, 57)...), append([]byte(elf.ELFMAG+"\x02\x01\x01"), make([]byte, 64)...))
	f.Add([]byte("\xcf\xfa\xed\xfe\x07\x00\x00\x01"), []byte("\xca\xfe\xba\xbe\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		open := func(data []byte) *program {
			return &program{SectionReader: io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data))), name: "p"}
		}
		d, err := compare(t.Context(), [2]*program{open(a), open(b)})
		if err != nil {
			t.Fatal(err)
		}
		if d.Same() != bytes.Equal(a, b) {
			t.Errorf("same is %v", d.Same())
		}
	})
}
