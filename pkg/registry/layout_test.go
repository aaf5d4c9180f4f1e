package registry_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"kubedist/pkg/hint"
	"kubedist/pkg/ocilayout"
	"kubedist/pkg/registry"
	"kubedist/pkg/registry/registrytest"
)

// open opens a layout and all that it names.
func open(dir string) error {
	l, err := registry.OpenLayout(dir)
	if err != nil {
		return err
	}
	for _, e := range l.Entries() {
		if _, err := l.Tree(e); err != nil {
			return err
		}
	}
	return nil
}

// What is no layout, or not all of one, is refused before anything is sent, with what helps.
func TestBadLayouts(t *testing.T) {
	t.Parallel()
	fifo, missing := images(t), images(t)
	if err := errors.Join(os.Remove(find(t, missing, "layer")), os.Remove(find(t, fifo, "layer")), syscall.Mkfifo(find(t, fifo, "layer"), 0o644)); err != nil {
		t.Fatal(err)
	}
	inner := registrytest.Index(t, registrytest.Image(t, "linux/amd64"))
	nested := mutate.AppendManifests(registrytest.Index(t), mutate.IndexAddendum{Add: inner})
	for name, c := range map[string]struct {
		dir  string
		want error
	}{
		"no layout":         {t.TempDir(), fs.ErrNotExist},
		"a missing layer":   {missing, fs.ErrNotExist},
		"a FIFO as a layer": {fifo, ocilayout.ErrDamaged},
		"nested indices":    {registrytest.Layout(t, map[string]mutate.Appendable{"example.org/a:v1": nested}), ocilayout.ErrDocument},
		"an empty index":    {registrytest.Layout(t, map[string]mutate.Appendable{"example.org/a:v1": registrytest.Index(t)}), ocilayout.ErrDocument},
	} {
		if err := open(c.dir); !errors.Is(err, c.want) || hint.Of(err) == "" || !strings.HasPrefix(err.Error(), "image layout "+c.dir) {
			t.Errorf("%s: got %v (hint: %s)", name, err, hint.Of(err))
		}
	}
}
