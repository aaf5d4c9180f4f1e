package closure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/ulikunitz/xz"

	"kubedist/pkg/apt"
	"kubedist/pkg/deb"
	"kubedist/pkg/deb822"
	"kubedist/pkg/hint"
	"kubedist/pkg/mirror"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/spec"
)

// What a suite may be in bytes: several times what that of Debian is.
const (
	maxRelease    = 4 << 20
	maxPacked     = 64 << 20
	maxIndex      = 512 << 20
	maxDictionary = 64 << 20
)

// candidate is one package of the index.
type candidate struct {
	spec.Locked
	depends   []apt.Dependency
	conflicts []apt.Dependency
	provides  []apt.Selector
	allowsAny bool
}

// readRelease reads what the suite holds.
func readRelease(ctx context.Context, o Options) (*apt.Release, error) {
	dir := path.Join("dists", o.Suite)
	signed, err := o.Mirror.Read(ctx, path.Join(dir, "InRelease"), maxRelease)
	if errors.Is(err, mirror.ErrGone) {
		return nil, hint.With(err, "check the name of the suite; one that Debian has archived is on an archive mirror, named with --debian-mirror")
	}
	if err != nil {
		return nil, err
	}
	text, _, err := openpgp.VerifyClearsigned(signed, o.Keyring, o.Now)
	if errors.Is(err, openpgp.ErrUnknownSigner) {
		err = hint.With(err, "name the keys of the Debian archive with --keyring: package debian-archive-keyring has them")
	}
	if err != nil {
		return nil, fmt.Errorf("InRelease: %w", err)
	}
	release, err := apt.ParseRelease(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("InRelease: %w", err)
	case release.Codename != o.Suite:
		// What a root is must not change, so it is of a release, not of whatever is called stable.
		return nil, hint.Errorf("name the suite by its codename", "InRelease: is that of %q", release.Codename)
	case !release.ValidUntil.IsZero() && o.Now.After(release.ValidUntil):
		return nil, fmt.Errorf("InRelease: was valid until %s", release.ValidUntil.Format("2006-01-02"))
	}
	return release, nil
}

// readIndex reads the packages that the suite has for an architecture.
func (s *Suite) readIndex(ctx context.Context, architecture string) ([]*candidate, error) {
	dir := path.Join("dists", s.name)
	name := path.Join(component, "binary-"+architecture, "Packages.xz")
	file, found := s.release.File(name)
	if !found {
		return nil, hint.Errorf("name a suite that has packages for this architecture", "InRelease: lists no %s", name)
	}
	if file.Size > maxPacked {
		return nil, fmt.Errorf("%s: %d bytes, more than the %d allowed", name, file.Size, maxPacked)
	}
	at := path.Join(dir, name)
	if s.release.AcquireByHash { // so that an update of the mirror does no harm
		at = path.Join(dir, path.Dir(name), "by-hash", "SHA256", file.SHA256)
	}
	var packed bytes.Buffer
	if err := s.mirror.Fetch(ctx, mirror.File{Path: at, Size: file.Size, SHA256: file.SHA256}, func() (io.Writer, error) { packed.Reset(); return &packed, nil }); err != nil {
		return nil, err
	}
	plain, err := unpack(packed.Bytes())
	if err == nil {
		var list []*candidate
		if list, err = parseIndex(plain, architecture); err == nil {
			return list, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", name, err)
}

func unpack(packed []byte) (io.Reader, error) {
	if err := deb.CheckXZ(packed, maxDictionary); err != nil {
		return nil, err
	}
	plain, err := xz.ReaderConfig{SingleStream: true}.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return &bounded{plain, maxIndex}, nil
}

// bounded refuses what is longer than what is left, where an io.LimitReader would take a part of it for all.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("larger than %d bytes", maxIndex)
	}
	return n, err
}

// parseIndex reads the paragraphs of an index that are for an architecture.
func parseIndex(text io.Reader, arch string) ([]*candidate, error) {
	var list []*candidate
	reader := deb822.NewReader(text, deb822.Limits{})
	for {
		s, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		c, err := parseCandidate(s)
		if err != nil {
			return nil, fmt.Errorf("package %q: %w", s.Get("Package"), err)
		}
		if c.Architecture == arch || c.Architecture == "all" {
			list = append(list, c)
		}
	}
}

func parseCandidate(s deb822.Stanza) (*candidate, error) {
	c := &candidate{
		Locked: spec.Locked{
			Package: s.Get("Package"), Version: s.Get("Version"), Architecture: s.Get("Architecture"), Path: s.Get("Filename"), SHA256: s.Get("SHA256"),
		},
		allowsAny: s.Get("Multi-Arch") == "allowed",
	}
	var err error
	if c.Size, err = strconv.ParseInt(s.Get("Size"), 10, 64); err != nil {
		return nil, fmt.Errorf("field Size: %q is no number", s.Get("Size"))
	}
	for _, field := range []struct {
		name string
		to   *[]apt.Dependency
	}{{"Pre-Depends", &c.depends}, {"Depends", &c.depends}, {"Conflicts", &c.conflicts}, {"Breaks", &c.conflicts}} {
		list, err := apt.ParseDependencies(oneLine(s.Get(field.name)))
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", field.name, err)
		}
		*field.to = append(*field.to, list...)
	}
	provided, err := apt.ParseDependencies(oneLine(s.Get("Provides")))
	if err != nil {
		return nil, fmt.Errorf("field Provides: %w", err)
	}
	for _, p := range provided {
		c.provides = append(c.provides, p.Alternatives...)
	}
	return c, nil
}

func oneLine(field string) string { return strings.ReplaceAll(field, "\n", " ") }
