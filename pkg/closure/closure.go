// Package closure finds which packages of a Debian suite a root needs: those that are asked for and all that these depend
// on. It trusts a mirror with nothing: the suite's InRelease must be signed by a key of the caller, and its index be the
// one that InRelease names. It knows the relations of packages (Policy 7) and unpacks nothing.
package closure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/mirror"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/spec"
)

// component is the one that Debian itself consists of.
const component = "main"

// Options say which suite to read, and whom to believe.
type Options struct {
	// Suite is the codename of a Debian release.
	Suite  string
	Mirror *mirror.Mirror
	// Keyring holds the keys of which one must have signed the suite.
	Keyring []*openpgp.Certificate
	// Now is when signatures and keys must be valid.
	Now time.Time
}

// Suite is what a suite's InRelease says, which a key has signed. All that is resolved by it is of one state of the suite.
type Suite struct {
	name    string
	mirror  *mirror.Mirror
	release *apt.Release
}

// Open reads a suite. It fails when that is not the one it was asked for, not signed, or not valid any more.
func Open(ctx context.Context, o Options) (*Suite, error) {
	release, err := readRelease(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("suite %s: %w", o.Suite, err)
	}
	return &Suite{o.Suite, o.Mirror, release}, nil
}

// Request says what is asked for.
type Request struct {
	// Architecture is that of the machine, as Debian calls it.
	Architecture string
	Packages     []string
	// Lacks reports whether a package is left out although others depend on it; nil for none.
	Lacks func(name string) bool
}

// Resolve returns the packages of a root, sorted by name: what specifications keep as locked. It fails when the suite has
// nothing for the architecture, and when a dependency cannot be met or packages conflict: the error names each.
func (s *Suite) Resolve(ctx context.Context, ask Request) ([]spec.Locked, error) {
	packages, err := s.readIndex(ctx, ask.Architecture)
	if err != nil {
		return nil, fmt.Errorf("suite %s: %w", s.name, err)
	}
	r := newResolver(packages, ask.Lacks)
	for _, name := range ask.Packages {
		r.want(name)
	}
	r.run()
	r.conflicts()
	if err := errors.Join(r.problems...); err != nil {
		return nil, fmt.Errorf("suite %s for %s: %w", s.name, ask.Architecture, err)
	}
	return r.locked(), nil
}
