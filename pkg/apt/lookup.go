package apt

import "context"

// Lookup returns the SHA-256, in hexadecimal, of the package that a suite lists under a name, version and architecture,
// in the definition's first component; "" where it lists none. What the transaction adds and removes counts.
func (t *Transaction) Lookup(ctx context.Context, suite, name, version, architecture string) (string, error) {
	s, err := t.tree.suite(suite)
	if err != nil {
		return "", err
	}
	if architecture == "all" { // in the index of every architecture
		architecture = t.tree.def.Architectures[0]
	}
	x, err := t.tree.index(ctx, s, indexKey{t.tree.def.Components[0], architecture})
	if err != nil {
		return "", err
	}
	if e := x.find(&entry{name: name, version: version, arch: architecture}); e != nil {
		return e.sha256, nil
	}
	return "", nil
}
