package apt

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/hint"
)

// Preflight tells, before work whose result is to be added, what would keep [Begin] and [Transaction.Add] from taking
// it: the definition lacks one of the suites or architectures ("all" needs none), the root can be neither written nor
// made, or what is published there cannot be read. It changes nothing and takes no lock, so that a nil error is no
// promise. o.Waiting is not used.
func Preflight(ctx context.Context, o Options, suites, architectures []string) error {
	for _, name := range suites {
		if _, err := o.Definition.Suite(name); err != nil {
			return err
		}
	}
	for _, arch := range architectures {
		if err := o.Definition.takes(arch); err != nil {
			return err
		}
	}
	root, err := filepath.Abs(o.Root)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	for _, dir := range []string{"", workDir, distsDir, poolDir} {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := atomicfile.CheckWritable(filepath.Join(root, dir)); err != nil {
			return hint.With(fmt.Errorf("archive: %w", err), "choose another directory for the archive, or run as its owner")
		}
	}
	if _, err := peekTree(root, o.Definition); err != nil {
		return fmt.Errorf("archive %s: %w", o.Root, err)
	}
	return nil
}

// peekTree reads the Release files of an archive without its lock. Whoever holds that now may be between two files, which
// looks as if it had been killed there.
func peekTree(root string, def *Definition) (*tree, error) {
	last := readLock(filepath.Join(root, filepath.FromSlash(lockFile)))
	return loadTree(root, def, last != "" && last != lockClean)
}

// takes refuses an architecture that the archive has no indices for.
func (d *Definition) takes(arch string) error {
	if arch == "all" || slices.Contains(d.Architectures, arch) {
		return nil
	}
	return hint.Errorf("add it to architectures in the archive's definition", "architecture %s is none of the archive's", arch)
}
