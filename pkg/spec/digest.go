package spec

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// digest is what Load says of Spec.Digest.
func digest(specs, templates fs.FS, s *Spec) (string, error) {
	var lines []string
	add := func(root string, fsys fs.FS, name string) error {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		lines = append(lines, fmt.Sprintf("%x  %s\n", sha256.Sum256(data), path.Join(root, name)))
		return nil
	}
	err := fs.WalkDir(specs, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".yaml") {
			return err
		}
		return add("specs", specs, name)
	})
	if err != nil {
		return "", fmt.Errorf("digest of specs: %w", err)
	}
	for _, name := range s.templates() {
		if err := add("templates", templates, name); err != nil {
			return "", fmt.Errorf("digest of templates: %w", err)
		}
	}
	// By name, which begins behind digest and blanks.
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[66:], b[66:]) })
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(lines, "")))), nil
}

// templates lists the templates that packages and bases name, sorted, each once.
func (s *Spec) templates() []string {
	var names []string
	for _, p := range s.Packages {
		names = append(names, p.Scripts.Preinst, p.Scripts.Postinst, p.Scripts.Prerm, p.Scripts.Postrm)
		for _, c := range p.Contents {
			names = append(names, c.Template)
		}
	}
	for _, b := range s.Bases {
		for _, f := range b.Files {
			names = append(names, f.Template)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}
