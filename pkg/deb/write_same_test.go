package deb_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"kubedist/pkg/deb"
)

// prose is text that compresses about as well as a program does.
func prose(random *rand.Rand, size int) []byte {
	words := make([][]byte, 4096)
	for i := range words {
		words[i] = make([]byte, 2+random.IntN(12))
		for j := range words[i] {
			words[i][j] = byte(random.IntN(256))
		}
	}
	text := make([]byte, 0, size+16)
	for len(text) < size {
		text = append(text, words[random.IntN(len(words))]...)
	}
	return text[:size]
}

// TestWriteGivesTheSameBytes varies what must not matter. zstd alone compresses with several goroutines, and gets
// several blocks (of 128 KiB) to do it with.
func TestWriteGivesTheSameBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for method, size := range map[string]int{
		"zstd": 500 << 10, "zstd:1": 500 << 10, "zstd:3": 500 << 10, "zstd:19": 300 << 10,
		"gzip": 50 << 10, "gzip:1": 50 << 10, "xz": 50 << 10, "none": 50 << 10,
	} {
		t.Run(method, func(t *testing.T) {
			p := node(t)
			program := filepath.Join(t.TempDir(), "program")
			if err := os.WriteFile(program, prose(random, size), 0o644); err != nil {
				t.Fatal(err)
			}
			p.Files = append(p.Files, deb.File{Path: "/usr/bin/large", Mode: 0o755, Source: program})
			o := deb.Options{Compression: compression(t, method)}
			want := write(t, p, o)
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
			for _, processors := range []int{1, 5} {
				runtime.GOMAXPROCS(processors)
				q := p
				q.Files = slices.Clone(p.Files)
				random.Shuffle(len(q.Files), func(i, j int) { q.Files[i], q.Files[j] = q.Files[j], q.Files[i] })
				if err := errors.Join(os.Chmod(program, 0o700|fs.FileMode(processors)), os.Chtimes(program, time.Now(), time.Now())); err != nil {
					t.Fatal(err)
				}
				t.Setenv("TMPDIR", t.TempDir())
				t.Setenv("SOURCE_DATE_EPOCH", fmt.Sprint(processors))
				if got := write(t, q, o); !bytes.Equal(got, want) {
					t.Errorf("other bytes with %d processors", processors)
				}
			}
		})
	}
}
