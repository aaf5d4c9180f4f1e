package deb_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"kubedist/pkg/deb"
	"kubedist/pkg/deb822"
)

// TestOutline compares an outline with the package that is written.
func TestOutline(t *testing.T) {
	t.Parallel()
	p := node(t)
	written, err := deb.Read(t.Context(), bytes.NewReader(write(t, p, deb.Options{})), deb.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(written.Control, func(f deb822.Field) bool { return f.Name == "Installed-Size" })
	p.Files[0].Source = "/nowhere" // not made yet
	got, err := deb.Outline(t.Context(), p, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Control, want) || got.Package != written.Package || got.Version != written.Version || got.Architecture != written.Architecture {
		t.Errorf("got\n%v\nwant\n%v", got.Control, want)
	}
	if got.Control.Get("Depends") == "" || got.Control.Get("Provides") == "" || got.Size != 0 || got.Conffiles != nil {
		t.Errorf("got %+v", got)
	}
	p.Depends = []string{"no relation"}
	if _, err := deb.Outline(t.Context(), p, t.TempDir()); err == nil || !strings.Contains(err.Error(), `depends "no relation"`) {
		t.Errorf("a package that cannot be written: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := deb.Outline(ctx, node(t), t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func BenchmarkOutline(b *testing.B) {
	p, dir := node(b), b.TempDir()
	for b.Loop() {
		if _, err := deb.Outline(b.Context(), p, dir); err != nil {
			b.Fatal(err)
		}
	}
}
