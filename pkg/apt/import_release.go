package apt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"kubedist/pkg/deb822"
	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

// flatSuite is the name of the one suite of a flat archive.
const flatSuite = "."

// suiteAt is the directory of a suite of the other archive.
func (im *importer) suiteAt(name string) string {
	if name == flatSuite {
		return "."
	}
	return path.Join(distsDir, name)
}

// suites finds the suites of the other archive, sorted: the directories below dists that have a Release file, at any
// depth, or else the root itself. Links to directories are other names of them, and are left out.
func (im *importer) suites() ([]string, error) {
	var found []string
	err := fs.WalkDir(im.root.FS(), distsDir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if im.has(name, "InRelease") || im.has(name, "Release") {
			found = append(found, strings.TrimPrefix(name, distsDir+"/"))
			return fs.SkipDir // its components have Release files of their own
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(found) == 0 && (im.has(".", "InRelease") || im.has(".", "Release")) {
		found = []string{flatSuite}
	}
	return found, nil
}

func (im *importer) has(dir, file string) bool {
	_, err := im.root.Stat(path.Join(dir, file))
	return err == nil
}

// release reads the Release of a suite: the signed text, where it is signed.
func (im *importer) release(ctx context.Context, name string) (*Release, error) {
	dir := im.suiteAt(name)
	plain, _, err := readBounded(im.root, path.Join(dir, "Release"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	signed, _, err := readBounded(im.root, path.Join(dir, "InRelease"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := im.signature(ctx, dir, plain, signed); err != nil {
		return nil, err
	}
	text := plain
	if signed != nil {
		if text, err = signedText(signed); err != nil {
			return nil, fmt.Errorf("InRelease: %w", err)
		}
		if plain != nil && !bytes.Equal(bytes.TrimSpace(plain), bytes.TrimSpace(text)) {
			return nil, hint.Errorf("publish the other archive once more", "Release: is not the text of InRelease")
		}
	}
	r, err := parseForeignRelease(text)
	if err != nil {
		return nil, fmt.Errorf("Release: %w", err)
	}
	return r, nil
}

// signature checks whichever signatures a suite has, by one of the keys that are given.
func (im *importer) signature(ctx context.Context, dir string, plain, signed []byte) error {
	if im.options.Keyring == nil {
		im.warn("%s: its signature was not looked at", path.Join(dir, "Release"))
		return nil
	}
	detached, _, err := readBounded(im.root, path.Join(dir, "Release.gpg"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if signed == nil && detached == nil {
		return hint.Errorf("if you trust the directory, take it without signatures with --trusted", "suite is not signed")
	}
	if signed != nil {
		if _, _, err = openpgp.VerifyClearsigned(signed, im.options.Keyring, im.options.Now); err != nil {
			err = fmt.Errorf("%s: %w", path.Join(dir, "InRelease"), err)
		}
	} else if _, err = openpgp.VerifyDetached(ctx, bytes.NewReader(plain), detached, im.options.Keyring, im.options.Now); err != nil {
		err = fmt.Errorf("%s: %w", path.Join(dir, "Release.gpg"), err)
	}
	if errors.Is(err, openpgp.ErrUnknownSigner) {
		return hint.With(err, "name the key of that archive with --keyring")
	}
	return err
}

// parseForeignRelease reads a Release as others write it: apt-ftparchive lists the file itself when it lies where it
// looks, and an index may be listed as ./Packages.
func parseForeignRelease(text []byte) (*Release, error) {
	s, err := deb822.Parse(text, deb822.Limits{Stanza: 16 << 20})
	if err != nil {
		return nil, err
	}
	list, found := s.Lookup("SHA256")
	if !found {
		return nil, hint.Errorf("have the other archive published with SHA-256 digests", "field SHA256: missing")
	}
	var kept strings.Builder
	for line := range strings.SplitSeq(list, "\n") {
		words := strings.Fields(line)
		if len(words) == 3 {
			words[2] = path.Clean(words[2])
			if slices.Contains([]string{".", "Release", "InRelease", "Release.gpg"}, words[2]) {
				continue
			}
		}
		if len(words) > 0 {
			kept.WriteString("\n" + strings.Join(words, " "))
		}
	}
	s.Set("SHA256", kept.String())
	var b bytes.Buffer
	if _, err := s.WriteTo(&b); err != nil {
		return nil, err
	}
	return ParseRelease(b.Bytes())
}
