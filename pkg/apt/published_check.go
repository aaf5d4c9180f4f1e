package apt

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"kubedist/pkg/hint"
)

// checkPublished makes sure that no client of a copy of the files would miss one of them, or find one that is not what
// another says of it.
func (t *Transaction) checkPublished(files []PublishedFile, listed map[string]poolFile) error {
	there := make(map[string]*PublishedFile, len(files))
	for i := range files {
		there[files[i].Path] = &files[i]
	}
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		p := listed[name]
		if f := there[name]; f == nil {
			return hint.Errorf("add the package again", "%s: missing; listed in %s", name, p.index)
		} else if f.Size != p.size {
			return hint.Errorf("add the package again", "%s: has %d bytes; %s says %d", name, f.Size, p.index, p.size)
		}
	}
	for i := range files {
		if name := files[i].Path; StageOf(name) == StageInRelease {
			if err := t.checkSuiteFiles(name, there); err != nil {
				return hint.With(err, "run kubedist repo publish, which finishes what a killed run left")
			}
		}
	}
	return nil
}

// checkSuiteFiles compares what an InRelease says with the digests of the files. Below dists each file must be there under
// both its names. Elsewhere, as in an earlier state of a suite, one of the two is enough.
func (t *Transaction) checkSuiteFiles(inRelease string, there map[string]*PublishedFile) error {
	data, err := os.ReadFile(t.disk.path(inRelease))
	if err != nil {
		return err
	}
	text, err := signedText(data)
	if err != nil {
		return fmt.Errorf("%s: %w", inRelease, err)
	}
	r, err := ParseRelease(text)
	if err != nil {
		return fmt.Errorf("%s: %w", inRelease, err)
	}
	dir := path.Dir(inRelease)
	strict := strings.HasPrefix(dir, distsDir+"/")
	digest := sha256.Sum256(text)
	if f := there[path.Join(dir, "Release")]; f != nil && f.SHA256 != hex.EncodeToString(digest[:]) {
		return fmt.Errorf("%s: not the text of InRelease", f.Path)
	}
	for _, name := range []string{"Release", "Release.gpg"} {
		if strict && there[path.Join(dir, name)] == nil {
			return fmt.Errorf("%s: missing beside InRelease", path.Join(dir, name))
		}
	}
	for _, f := range r.Files {
		names := []string{path.Join(dir, f.Path)}
		if r.AcquireByHash {
			names = append(names, path.Join(dir, byHash(f.Path, f.SHA256)))
		}
		found := 0
		for _, name := range names {
			at := there[name]
			if at == nil {
				continue
			}
			if found++; at.Size != f.Size || at.SHA256 != f.SHA256 {
				return fmt.Errorf("%s: not the file that %s names", name, inRelease)
			}
		}
		if found == 0 || strict && found < len(names) {
			return fmt.Errorf("%s: missing, or its contents under by-hash are; %s names it", names[0], inRelease)
		}
	}
	return nil
}
