package checksum

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sync/errgroup"
)

// A Problem is what can be wrong with one file.
type Problem string

// The problems that Verify finds. Programs may rely on the words.
const (
	Missing   Problem = "missing"   // listed, but not there
	Different Problem = "different" // there with another content
	Irregular Problem = "irregular" // listed, but a link, directory or device
	Extra     Problem = "extra"     // there, but not listed
)

// A Finding says what is wrong with one file.
type Finding struct {
	Name    string // as in Sums
	Problem Problem
	Want    string // the listed digest; empty for Extra
	Got     string // the digest of what is there; set for Different only
}

// String is one line for people.
func (f Finding) String() string {
	if f.Problem == Different {
		return fmt.Sprintf("%s: different: listed as %s, is %s", f.Name, f.Want, f.Got)
	}
	return fmt.Sprintf("%s: %s", f.Name, f.Problem)
}

// VerifyOptions narrows and paces Verify.
type VerifyOptions struct {
	// Jobs is the number of files read at the same time; less than one means one.
	Jobs int
	// Ignore, when set, is asked about files that are not listed: those it returns true for are not Extra. The sum
	// file itself and its signature are what it is for.
	Ignore func(name string) bool
}

// Verify compares all files below dir with sums and returns what is wrong, sorted by name. Nothing outside dir is read,
// whatever the names and symbolic links say. An error means that the comparison itself could not be finished.
func Verify(ctx context.Context, dir string, sums Sums, o VerifyOptions) ([]Finding, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("verifying: %w", err)
	}
	defer root.Close()
	findings, err := extra(ctx, root, sums, o.Ignore)
	if err != nil {
		return nil, fmt.Errorf("verifying %s: %w", dir, err)
	}
	names := sums.Names()
	found := make([]Finding, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(o.Jobs, 1))
	for i, name := range names {
		group.Go(func() (err error) {
			found[i], err = verifyFile(ctx, root, name, sums)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("verifying %s: %w", dir, err)
	}
	for _, f := range found {
		if f.Problem != "" {
			findings = append(findings, f)
		}
	}
	slices.SortFunc(findings, func(a, b Finding) int { return cmp.Compare(a.Name, b.Name) })
	return findings, nil
}

// verifyFile checks one listed file. A Finding without a problem means that it is as listed.
func verifyFile(ctx context.Context, root *os.Root, name string, sums Sums) (Finding, error) {
	finding := Finding{Name: name, Want: sums.Files[name]}
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		finding.Problem = Missing
		return finding, nil
	}
	if err != nil {
		return Finding{}, err
	}
	if !info.Mode().IsRegular() {
		finding.Problem = Irregular
		return finding, nil
	}
	f, err := root.Open(name)
	if err != nil {
		return Finding{}, err
	}
	defer f.Close()
	digests, err := Read(ctx, f)
	if err != nil {
		return Finding{}, fmt.Errorf("digest of %s: %w", name, err)
	}
	if got := digests.Of(sums.Algorithm); got != finding.Want {
		finding.Problem, finding.Got = Different, got
	}
	return finding, nil
}

// extra finds what lies below root and is not listed. Directories do not count.
func extra(ctx context.Context, root *os.Root, sums Sums, ignore func(string) bool) ([]Finding, error) {
	var findings []Finding
	err := fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err = cmp.Or(err, ctx.Err()); err != nil || d.IsDir() {
			return err
		}
		if _, listed := sums.Files[name]; !listed && (ignore == nil || !ignore(name)) {
			findings = append(findings, Finding{Name: name, Problem: Extra})
		}
		return nil
	})
	return findings, err
}
