// Package closure finds which packages of a Debian suite a root needs: those that are asked for and all that these depend
// on. It trusts a mirror with nothing: the suite's InRelease must be signed by a key of the caller, and its index be the
// one that InRelease names. It knows the relations of packages (Policy 7) and unpacks nothing.
package closure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kubedist/pkg/mirror"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/spec"
)

// component is the one that Debian itself consists of.
const component = "main"

// Options say what to resolve, and by what.
type Options struct {
	// Toolchain is what is asked for. Its Locked is not looked at.
	Toolchain spec.Toolchain
	Mirror    *mirror.Mirror
	// Keyring holds the keys of which one must have signed the suite.
	Keyring []*openpgp.Certificate
	// Now is when signatures and keys must be valid.
	Now time.Time
}

// Resolve returns the packages of the root, sorted by name: what [spec.Toolchain] keeps in Locked. It fails when the
// suite is not the one it was asked for or not signed, and when a dependency cannot be met or packages conflict: the
// error names each.
func Resolve(ctx context.Context, o Options) ([]spec.Locked, error) {
	packages, err := readIndex(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("suite %s: %w", o.Toolchain.Suite, err)
	}
	r := resolver{toolchain: o.Toolchain, offers: offersOf(packages), chosen: map[string]*candidate{}}
	for _, name := range o.Toolchain.Packages {
		r.want(name)
	}
	r.run()
	r.conflicts()
	if err := errors.Join(r.problems...); err != nil {
		return nil, fmt.Errorf("suite %s: %w", o.Toolchain.Suite, err)
	}
	return r.locked(), nil
}
