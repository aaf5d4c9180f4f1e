package debroot

import (
	"context"
	"io"

	"kubedist/pkg/spec"
)

// Unpack unpacks one package into an empty directory.
func Unpack(ctx context.Context, dir string, r io.Reader, p spec.Locked) error {
	t, err := newTree(dir, nil)
	if err != nil {
		return err
	}
	defer t.close()
	_, err = t.unpack(ctx, r, p)
	return err
}
