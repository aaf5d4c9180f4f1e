package buildroot

import (
	"context"
	"io"

	"kubedist/pkg/spec"
)

var (
	ParseOrder = parseOrder
	Usable     = usable
)

// Unpack unpacks one package into an empty directory.
func Unpack(ctx context.Context, dir string, r io.Reader, p spec.Locked) error {
	t, err := newTree(dir, spec.Toolchain{})
	if err != nil {
		return err
	}
	defer t.close()
	return t.unpack(ctx, r, p)
}
