package apt

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"strings"

	"kubedist/pkg/deb822"
)

// archReleaseName is the name, within its suite, of the Release file beside an index.
func archReleaseName(key indexKey) string {
	if key.arch == archSource {
		return path.Join(key.component, archSource, "Release")
	}
	return path.Join(indexDir(key.component, key.arch), "Release")
}

// archReleaseKey tells which index a listed file is the Release file of.
func archReleaseKey(name string) (key indexKey, is bool) {
	dir, base := path.Split(name)
	component, last := path.Split(path.Clean(dir))
	key = indexKey{path.Clean(component), strings.TrimPrefix(last, "binary-")}
	return key, base == "Release" && component != ""
}

// archReleaseText tells of one index what suite, component and architecture it is for: what a copy of it that was taken
// out of its directory does not say (Debian repository format, architecture-specific Release files).
func archReleaseText(r *Release, key indexKey) ([]byte, error) {
	s := deb822.Stanza{
		{Name: "Archive", Value: r.Suite}, {Name: "Origin", Value: r.Origin}, {Name: "Label", Value: r.Label},
		{Name: "Acquire-By-Hash", Value: "yes"}, {Name: "Component", Value: key.component}, {Name: "Architecture", Value: key.arch},
	}
	var b bytes.Buffer
	if _, err := s.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("%s: %w", archReleaseName(key), err)
	}
	return b.Bytes(), nil
}

// archReleaseFile is the Release file of one index in a place.
func archReleaseFile(at *place, r *Release, key indexKey) (*indexFile, error) {
	text, err := archReleaseText(r, key)
	if err != nil {
		return nil, err
	}
	name, stale := archReleaseName(key), true
	if at.release != nil {
		old, _ := at.release.File(name)
		stale = old.SHA256 != digestOf(text)
	}
	return &indexFile{name: name, plain: true, stale: stale, open: func(context.Context) (textWriter, error) { return bytesText(text), nil }}, nil
}
