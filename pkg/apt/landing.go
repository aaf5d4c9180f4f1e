package apt

import (
	"cmp"
	"context"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"kubedist/pkg/deb"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/page"
)

// The landing page lists the packages of a suite when the plain text of its indices is not longer than maxListed bytes,
// room for a hundred releases of Kubernetes, and they are not more than maxNames. It is made at each publishing: what is
// larger would take longer than the publishing, and be no page to read.
const (
	maxListed = 2 << 20
	maxNames  = 200
)

// landingPage writes the landing page of what is on the disk.
func (p *publication) landingPage(ctx context.Context, at time.Time) ([]byte, error) {
	def := p.tree.def
	a := &page.Archive{
		Origin: def.Origin, Label: def.Label, Description: def.Description, URL: p.options.URL,
		Keyring: keyringBinary, Keyrings: []string{keyringBinary, keyringArmored}, SignedBy: def.SignedBy, Sources: sourcesFile, Updated: at, Trace: def.traceFile(),
	}
	if path.Ext(def.SignedBy) == ".asc" {
		a.Keyring = keyringArmored
	}
	if p.keyring != nil {
		a.Keyrings = append(a.Keyrings, keyringDeb)
	}
	for _, c := range p.certs {
		signs := slices.ContainsFunc(p.options.Signers, func(s openpgp.Signer) bool { return s.Fingerprint() == c.Fingerprint() })
		key := page.Key{Fingerprint: c.Fingerprint(), Algorithm: c.Algorithm(), Expires: c.Expires(), Signs: signs}
		if ids := c.UserIDs(); len(ids) > 0 {
			key.UserID = ids[0]
		}
		a.Keys = append(a.Keys, key)
	}
	if def.Listings {
		a.LongList = longListFile
		names, err := os.ReadDir(p.disk.root)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			if n.IsDir() && !hidden(n.Name()) {
				a.Browse = append(a.Browse, n.Name())
			}
		}
	}
	published, err := loadTree(p.disk.root, def, true)
	if err != nil {
		return nil, err
	}
	for _, s := range published.suites {
		if s.def == nil || s.release == nil {
			continue
		}
		suite, err := published.landingSuite(ctx, s)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err != nil { // the archive is published already, and what is wrong is another suite's most often
			p.warn("%s: lists no packages of suite %s: %v", page.IndexFile, s.name, err)
		}
		a.Suites = append(a.Suites, *suite)
	}
	chooseDefault(a.Suites)
	return page.Landing(a)
}

// landingSuite is what the page tells about one suite; with an error, all but its packages.
func (t *tree) landingSuite(ctx context.Context, s *suite) (*page.Suite, error) {
	dir := suiteDir(s.name)
	l := &page.Suite{
		Name: s.name, Description: s.release.Description, Dir: dir, Date: s.release.Date, ValidUntil: s.release.ValidUntil,
		Architectures: s.release.Architectures, Aliases: s.def.Aliases, Flat: s.def.Flat, NotAutomatic: s.def.NotAutomatic,
	}
	for _, name := range []string{sourcesFile, "InRelease", "Release", "Release.gpg"} {
		l.Files = append(l.Files, path.Join(dir, name))
	}
	var size int64
	for _, key := range s.keys() {
		f, _ := s.release.File(path.Join(indexDir(key.component, key.arch), "Packages"))
		size += f.Size
	}
	if l.Unlisted = size > maxListed; l.Unlisted {
		return l, nil
	}
	listed := map[packageKey]*entry{}
	for _, key := range s.keys() {
		x, err := t.index(ctx, s, key)
		if err != nil {
			l.Unlisted = true
			return l, err
		}
		for _, e := range x.merged() {
			listed[e.key()] = e
		}
	}
	entries := make([]*entry, 0, len(listed))
	for _, e := range listed {
		entries = append(entries, e)
	}
	slices.SortFunc(entries, compareEntries)
	l.Packages = t.def.landingPackages(entries)
	if l.Unlisted = len(l.Packages) > maxNames; l.Unlisted {
		l.Packages = nil
	}
	l.Kubernetes, l.OlderNotes = kubernetesVersions(l.Packages)
	return l, nil
}

// landingPackages groups sorted entries by package and version.
func (d *Definition) landingPackages(entries []*entry) []page.Package {
	var packages []page.Package
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && entries[n].name == entries[0].name {
			n++
		}
		packages = append(packages, d.landingPackage(entries[:n]))
		entries = entries[n:]
	}
	return packages
}

// landingPackage sorts the versions of one package into those that are the newest for an architecture and the others.
func (d *Definition) landingPackage(entries []*entry) page.Package {
	p := page.Package{Name: entries[0].name}
	seen := map[string]bool{} // architectures with a newer version
	for i := len(entries); i > 0; {
		from := i - 1
		for from > 0 && entries[from-1].version == entries[i-1].version {
			from--
		}
		var current, older []page.File
		for _, e := range entries[from:i] {
			f := page.File{Architecture: e.arch, Path: e.filename, SHA256: e.sha256, Size: e.size}
			if seen[e.arch] {
				older = append(older, f)
			} else {
				current = append(current, f)
			}
			seen[e.arch] = true
		}
		v := page.Version{Version: entries[from].version}
		if slices.Contains(d.KubernetesPackages, p.Name) {
			v.Kubernetes = "v" + kubernetesVersion(v.Version)
		}
		if v.Files = current; len(current) > 0 {
			p.Current = append(p.Current, v)
		}
		if v.Files = older; len(older) > 0 {
			p.Older = append(p.Older, v)
		}
		i = from
	}
	return p
}

// kubernetesVersions gives the newest version of Kubernetes among the packages, and the others, newest first.
func kubernetesVersions(packages []page.Package) (newest string, older []string) {
	var all []string
	for _, p := range packages {
		for _, v := range slices.Concat(p.Current, p.Older) {
			if v.Kubernetes != "" {
				all = append(all, v.Kubernetes)
			}
		}
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(compareKubernetes(b, a), strings.Compare(a, b)) })
	if all = slices.Compact(all); len(all) == 0 {
		return "", nil
	}
	return all[0], all[1:]
}

// compareKubernetes compares versions of Kubernetes; what is none comes before all that are.
func compareKubernetes(a, b string) int {
	x, errX := semver.NewVersion(a)
	y, errY := semver.NewVersion(b)
	switch {
	case errX != nil && errY != nil:
		return deb.Compare(a, b)
	case errX != nil:
		return -1
	case errY != nil:
		return 1
	}
	return x.Compare(y)
}

// chooseDefault marks the suite that people are told to take: the first with the newest version of Kubernetes that is no
// pre-release, among those from which apt installs of itself. Per-minor suites stand before those that move on to the
// next minor version in a definition, so that nobody is told to follow without having asked for it.
func chooseDefault(suites []page.Suite) {
	best := -1
	for i, s := range suites {
		if s.NotAutomatic || strings.Contains(s.Kubernetes, "-") {
			continue
		}
		if best < 0 || compareKubernetes(s.Kubernetes, suites[best].Kubernetes) > 0 {
			best = i
		}
	}
	if best < 0 && len(suites) > 0 {
		best = 0
	}
	if best >= 0 {
		suites[best].Default = true
	}
}
