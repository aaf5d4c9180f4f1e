package apt

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ulikunitz/xz/lzma"

	"kubedist/pkg/deb"
	"kubedist/pkg/deb822"
	"kubedist/pkg/hint"
)

// foreignIndex is one Packages or Sources of another archive, in whichever forms it has.
type foreignIndex struct {
	path      string // of the plain form, which need not be there
	component string
	ofSources bool
	forms     []ReleaseFile // as Release lists them
}

// indices lists the indices of a suite. What else its Release lists is not taken; of packages for the installer, which
// would be missed, it warns.
func (im *importer) indices(name string, r *Release) []foreignIndex {
	byPath := map[string]*foreignIndex{}
	var order []string
	skipped := map[string]bool{}
	for _, f := range r.Files {
		dir, base := path.Split(f.Path)
		dir = path.Clean(dir)
		stem, _, _ := strings.Cut(base, ".")
		if stem != "Packages" && stem != "Sources" {
			continue
		}
		component, arch := path.Split(dir)
		component = path.Clean(component)
		switch {
		case name == flatSuite && dir == ".":
			component = im.def.Components[0]
		case strings.HasSuffix(component, "/debian-installer"):
			if f.Size > 0 && path.Ext(base) == "" {
				skipped[f.Path+": packages of the installer"] = true
			}
			continue
		case stem == "Packages" && !strings.HasPrefix(arch, "binary-") || stem == "Sources" && arch != archSource || component == ".":
			continue
		}
		plain := path.Join(dir, stem)
		if byPath[plain] == nil {
			byPath[plain] = &foreignIndex{path: plain, component: component, ofSources: stem == "Sources"}
			order = append(order, plain)
		}
		byPath[plain].forms = append(byPath[plain].forms, f)
	}
	for what := range skipped {
		im.warn("suite %s: %s are not taken", name, what)
	}
	slices.Sort(im.plan.Warnings)
	all := make([]foreignIndex, len(order))
	for i, name := range order {
		all[i] = *byPath[name]
	}
	return all
}

// index gives the text of an index. Each form of it that is there must be as Release says, and all must say the same.
func (im *importer) index(name string, r *Release, x foreignIndex) (string, error) {
	if !slices.Contains(im.def.Components, x.component) {
		return "", hint.Errorf("add it to components in the archive's definition", "component %s: not in the archive's definition", x.component)
	}
	plain, hasPlain := r.File(x.path)
	var text []byte
	found := false
	for _, f := range x.forms {
		packed, _, err := readBounded(im.root, path.Join(im.suiteAt(name), f.Path))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		if !f.matches(packed) {
			return "", fmt.Errorf("%s: is not the file that Release names, with SHA-256 %s", f.Path, f.SHA256)
		}
		unpacked, err := unpackForeign(packed, strings.TrimPrefix(path.Ext(f.Path), "."))
		switch {
		case err != nil:
			return "", fmt.Errorf("%s: %w", f.Path, err)
		case hasPlain && !plain.matches(unpacked):
			return "", fmt.Errorf("%s: does not unpack to the file that Release names, with SHA-256 %s", f.Path, plain.SHA256)
		case found && !bytes.Equal(text, unpacked):
			return "", fmt.Errorf("%s: does not unpack to the same as the other forms", f.Path)
		}
		text, found = unpacked, true
	}
	if !found && (!hasPlain || plain.Size > 0) {
		return "", errors.New("none of its forms is there")
	}
	return string(text), nil
}

// unpackForeign unpacks what others compress with, too.
func unpackForeign(packed []byte, compression string) ([]byte, error) {
	var plain io.Reader
	switch compression {
	case "bz2":
		plain = bzip2.NewReader(bytes.NewReader(packed))
	case "lzma":
		var err error
		if plain, err = lzma.NewReader(bytes.NewReader(packed)); err != nil {
			return nil, err
		}
	default:
		return unpackIndex(packed, compression)
	}
	text, err := io.ReadAll(io.LimitReader(plain, maxIndex+1))
	if err == nil && len(text) > maxIndex {
		err = fmt.Errorf("unpacks to more than %d bytes", maxIndex)
	}
	return text, err
}

// parseAll reads the paragraphs of an index.
func parseAll[T any](component, text string, parse func(component string, s deb822.Stanza) (T, error)) ([]T, error) {
	var list []T
	reader := deb822.NewReader(strings.NewReader(text), deb822.Limits{})
	for {
		s, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		p, err := parse(component, s)
		if err != nil {
			return nil, fmt.Errorf("package %q: %w", s.Get("Package"), err)
		}
		list = append(list, p)
	}
}

// parseForeign takes from a paragraph what identifies and locates a package.
func parseForeign(component string, s deb822.Stanza) (ImportPackage, error) {
	p := ImportPackage{
		Component: component, Package: s.Get("Package"), Version: s.Get("Version"), Architecture: s.Get("Architecture"),
		Filename: path.Clean(s.Get("Filename")), SHA256: strings.ToLower(s.Get("SHA256")),
	}
	if err := deb.CheckName(p.Package); err != nil {
		return p, err
	}
	if _, err := deb.ParseVersion(p.Version); err != nil {
		return p, err
	}
	if err := deb.CheckArchitecture(p.Architecture); err != nil {
		return p, err
	}
	if s.Get("Filename") == "" || p.Filename == "." || !filepath.IsLocal(filepath.FromSlash(p.Filename)) || strings.ContainsAny(p.Filename, "\x00\\") {
		return p, fmt.Errorf("path %q leaves the archive", s.Get("Filename"))
	}
	size, err := strconv.ParseUint(s.Get("Size"), 10, 63)
	if err != nil {
		return p, fmt.Errorf("size %q is no number", s.Get("Size"))
	}
	p.Size = int64(size)
	return p, checkDigest(p.SHA256)
}
