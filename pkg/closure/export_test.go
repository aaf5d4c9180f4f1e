package closure

import (
	"errors"
	"io"

	"kubedist/pkg/spec"
)

// ResolveIndex resolves one package by an index.
func ResolveIndex(index io.Reader, name string) ([]spec.Locked, error) {
	packages, err := parseIndex(index, "amd64")
	if err != nil {
		return nil, err
	}
	r := newResolver(packages, nil)
	r.want(name)
	r.run()
	r.conflicts()
	return r.locked(), errors.Join(r.problems...)
}
