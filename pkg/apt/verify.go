package apt

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"

	"kubedist/pkg/openpgp"
)

// VerifyOptions say what is checked against what.
type VerifyOptions struct {
	Root    string
	Keyring []*openpgp.Certificate // that users have; at least one key of it must have signed each suite
	Now     time.Time              // the time at which a client would look
	Jobs    int                    // pool files that are read at once; 0 is one per processor
}

// Finding is one thing that is wrong with a published archive.
type Finding struct {
	Path    string `json:"path"` // relative to the root
	Problem string `json:"problem"`
}

// Report is what a check has covered and found.
type Report struct {
	Suites    int       `json:"suites"` // with their aliases and flat forms
	Snapshots int       `json:"snapshots,omitempty"`
	Indices   int       `json:"indices"`  // files that Release files list
	Packages  int       `json:"packages"` // files in the pool that indices list
	Bytes     int64     `json:"bytes"`    // of those packages
	Findings  []Finding `json:"findings"` // sorted by path
	// Warnings are what will be wrong unless something is done, such as a key that has to be followed by another.
	Warnings []string `json:"warnings,omitempty"`
}

// Verify checks a published tree as apt and mirrors would see it: signatures and their keys, dates, that Release.gpg and
// Release belong to InRelease, every listed index under its canonical name and under by-hash, what snapshots keep, and
// every listed package with its size and digest. It takes no lock and changes nothing. What it finds wrong is in the report; the error is for
// what kept it from looking.
func Verify(ctx context.Context, o VerifyOptions) (*Report, error) {
	if len(o.Keyring) == 0 {
		return nil, errors.New("keyring: no key to verify with")
	}
	root, err := os.OpenRoot(o.Root)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	defer root.Close()
	v := &verifier{options: o, root: root, report: &Report{Findings: []Finding{}}, pool: map[string]*poolFile{}, packages: map[packageKey]*poolFile{}}
	suites, err := fs.ReadDir(root.FS(), distsDir)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	for _, entry := range suites {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !entry.Type().IsRegular() && v.published(suiteDir(entry.Name())) {
			v.report.Suites++
			v.place(ctx, suiteDir(entry.Name()), entry.Name())
		}
	}
	if err := v.flats(ctx); err != nil {
		return nil, err
	}
	if v.report.Suites == 0 {
		v.found(distsDir, "no suite is published")
	}
	if err := v.snapshots(ctx); err != nil {
		return nil, err
	}
	v.keyrings()
	if err := v.poolFiles(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(v.report.Findings, func(a, b Finding) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Problem, b.Problem)) })
	v.report.Findings = slices.Compact(v.report.Findings)
	return v.report, nil
}

// verifier collects findings. It opens files through an os.Root, which no link leads out of.
type verifier struct {
	options  VerifyOptions
	root     *os.Root
	report   *Report
	pool     map[string]*poolFile
	packages map[packageKey]*poolFile
}

func (v *verifier) found(name, format string, args ...any) {
	v.report.Findings = append(v.report.Findings, Finding{Path: name, Problem: fmt.Sprintf(format, args...)})
}

// published reports whether a directory is a place of a suite: whether it has any of the Release files. A run that was killed before
// it could publish a suite for the first time leaves indices alone, which nobody finds.
func (v *verifier) published(dir string) bool {
	for _, file := range []string{"InRelease", "Release", "Release.gpg"} {
		if _, err := v.root.Lstat(path.Join(dir, file)); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

// read reads a whole file of at most maxIndex bytes; when it cannot, that is a finding.
func (v *verifier) read(name string) ([]byte, fs.FileInfo, bool) {
	data, info, err := readBounded(v.root, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.found(name, "missing")
	case err != nil:
		v.found(name, "%v", reason(err))
	}
	return data, info, err == nil
}

func readBounded(root *os.Root, name string) ([]byte, fs.FileInfo, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errors.New("not a regular file")
	}
	if info.Size() > maxIndex {
		return nil, nil, fmt.Errorf("larger than %d bytes", maxIndex)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxIndex))
	return data, info, err
}

// reason drops the path from an error of the file system: the finding names it.
func reason(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// place checks the Release files of one place and goes on to what they list. name is the suite's there, "" in the flat
// format.
func (v *verifier) place(ctx context.Context, dir, name string) {
	inRelease, _, ok := v.read(path.Join(dir, "InRelease"))
	if !ok {
		return
	}
	text, signers, err := openpgp.VerifyClearsigned(inRelease, v.options.Keyring, v.options.Now)
	if err != nil {
		v.found(path.Join(dir, "InRelease"), "%v", err)
		if text, err = signedText(inRelease); err != nil {
			return
		}
	}
	if plain, _, ok := v.read(path.Join(dir, "Release")); ok {
		if !bytes.Equal(plain, text) {
			v.found(path.Join(dir, "Release"), "is not the text of InRelease")
		}
		if signature, _, ok := v.read(path.Join(dir, "Release.gpg")); ok {
			if _, err := openpgp.VerifyDetached(ctx, bytes.NewReader(plain), signature, v.options.Keyring, v.options.Now); err != nil {
				v.found(path.Join(dir, "Release.gpg"), "%v", err)
			}
		}
	}
	r, err := ParseRelease(text)
	if err != nil {
		v.found(path.Join(dir, "InRelease"), "%v", err)
		return
	}
	v.release(dir, name, r, signers)
	v.warnKeys(r, signers)
	v.indices(dir, r, name == "")
}

// flats looks for flat directories and checks each as a place of its own.
func (v *verifier) flats(ctx context.Context) error {
	return fs.WalkDir(v.root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil: // what cannot be looked into is served to no one either
			return ctx.Err()
		case !entry.IsDir() || name == ".":
			return ctx.Err()
		case checkFlat(name) != nil: // the archive's own directories, and those that begin with a dot
			return fs.SkipDir
		case v.published(name):
			v.report.Suites++
			v.place(ctx, name, "")
			return fs.SkipDir
		}
		return ctx.Err()
	})
}

// release checks what a Release says about itself, in the suite of that name or, with "", in a flat directory.
func (v *verifier) release(dir, name string, r *Release, signers []string) {
	file := path.Join(dir, "InRelease")
	if r.Date.After(v.options.Now) {
		v.found(file, "dated %s: in the future", formatTime(r.Date))
	}
	if !r.ValidUntil.IsZero() && !v.options.Now.Before(r.ValidUntil) {
		v.found(file, "expired on %s", formatTime(r.ValidUntil))
	}
	if name != "" && r.Codename != name && r.Suite != name {
		v.found(file, "neither Suite (%s) nor Codename (%s) is %s", r.Suite, r.Codename, name)
	}
	if len(r.SignedBy) > 0 && len(signers) > 0 && !slices.ContainsFunc(signers, func(s string) bool { return slices.Contains(r.SignedBy, s) }) {
		v.found(file, "Signed-By names none of the keys that signed it")
	}
	if _, listed := r.File("Packages"); name == "" && !listed {
		v.found(file, "Packages is not listed, so apt would take the directory for empty")
	}
	for _, component := range r.Components {
		for _, arch := range r.Architectures {
			if name == "" || arch == "all" {
				continue
			}
			plain := packagesName(indexKey{component, arch})
			if _, listed := r.File(plain); !listed {
				v.found(file, "%s is not listed, so apt would take the architecture for empty", plain)
			}
		}
	}
}

// keyrings checks the keys that users fetch from the archive, where it has them.
func (v *verifier) keyrings() {
	for _, name := range []string{keyringBinary, keyringArmored} {
		data, _, err := readBounded(v.root, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var certs []*openpgp.Certificate
		if err == nil {
			certs, err = openpgp.ParseKeyring(data)
		}
		if err != nil {
			v.found(name, "%v", reason(err))
			continue
		}
		if armored := bytes.HasPrefix(data, []byte("-----BEGIN")); armored != (name == keyringArmored) {
			v.found(name, "its form does not match its extension")
		}
		if !slices.ContainsFunc(certs, func(c *openpgp.Certificate) bool {
			return slices.ContainsFunc(v.options.Keyring, func(k *openpgp.Certificate) bool { return k.Fingerprint() == c.Fingerprint() })
		}) {
			v.found(name, "holds none of the keys that the archive was verified with")
		}
	}
}
