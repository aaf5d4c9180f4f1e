package spec

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"kubedist/pkg/deb"
)

// Names of images, by the distribution specification of OCI: components of lower-case letters and digits, with ".", "_",
// "__" and dashes between, which slashes join. A registry is a host with a port or a dot in it, or localhost: without
// either, clients take it for a part of a repository of another registry.
const (
	component  = `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`
	repository = component + `(?:/` + component + `)*`
	registry   = `(?:localhost(?::[0-9]+)?|[A-Za-z0-9-]+(?::[0-9]+|(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?))`
)

const longestRepository = 255 // of a repository's name, with its registry

var (
	componentName  = regexp.MustCompile(`^` + component + `$`)
	repositoryName = regexp.MustCompile(`^` + repository + `$`)
	registryName   = regexp.MustCompile(`^` + registry + `$`)
	reference      = regexp.MustCompile(`^` + registry + `/` + repository + `$`)
)

func (c *checker) checkBases(f *file, at report) {
	for i, b := range f.spec.Bases {
		where := fmt.Sprintf("bases[%d]", i)
		c.declare(f, at, where, "base", b.Name)
		if b.Name != "" && !componentName.MatchString(b.Name) {
			at(where+".name", "name", "%q is not lower-case letters and digits, with dots and dashes between", b.Name)
		}
		if origins := count(b.Suite != "", b.Layout != "", b.Reference != ""); origins != 1 {
			at(where, "suite, layout, reference", "exactly one of them must be set")
			continue
		}
		if b.Packed() {
			c.checkAssembly(at, where, b)
			continue
		}
		if len(b.Packages)+len(b.Without)+len(b.Exclude)+len(b.Bundles)+len(b.Files)+len(b.Links)+len(b.Locked) > 0 {
			at(where, "suite", "missing: only a base of packages has anything put together")
		}
		if _, _, ok := Pinned(b.Layout); b.Layout != "" && (!ok || strings.ContainsRune(b.Layout, 0)) {
			at(where+".layout", "layout", "%q is not of the form DIRECTORY@sha256:DIGEST", b.Layout)
		}
		if name, _, ok := Pinned(b.Reference); b.Reference != "" && (!ok || !reference.MatchString(name) || len(name) > longestRepository) {
			at(where+".reference", "reference", "%q is not of the form REGISTRY/REPOSITORY@sha256:DIGEST", b.Reference)
		}
	}
}

// count is how many of the conditions hold.
func count(conditions ...bool) int {
	n := 0
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

// checkAssembly checks a base of packages.
func (c *checker) checkAssembly(at report, where string, b Base) {
	if !debianName.MatchString(b.Suite) {
		at(where+".suite", "suite", "%q is not the codename of a Debian release", b.Suite)
	}
	checkAsked(at, where, b.Packages, b.Lacks)
	checkLeftOut(at, where, "without", b.Without)
	checkLeftOut(at, where, "exclude", b.Exclude)
	checkLinks(at, where, b.Links)
	made := map[string]bool{}
	once := func(entry, field, name string) {
		if made[name] {
			at(entry, field, "/%s is made twice", name)
		}
		made[name] = true
	}
	for i, x := range b.Bundles {
		entry := fmt.Sprintf("%s.bundles[%d]", where, i)
		if _, err := path.Match(x.Match, ""); err != nil || x.Match == "" || strings.HasPrefix(x.Match, "/") {
			at(entry, "match", "%q is no pattern of paths without a slash at their beginning", x.Match)
		}
		checkTarget(at, entry, "to", x.To)
		once(entry, "to", strings.TrimPrefix(x.To, "/"))
	}
	for i, t := range b.Files {
		entry := fmt.Sprintf("%s.files[%d]", where, i)
		c.checkTemplate(at, entry, "template", t.Template)
		checkTarget(at, entry, "to", t.To)
		once(entry, "to", strings.TrimPrefix(t.To, "/"))
	}
	for i, l := range b.Links {
		once(fmt.Sprintf("%s.links[%d]", where, i), "path", l.Path)
	}
	checkBaseLock(at, where, b)
}

// checkTarget refuses what is not the absolute path of one file.
func checkTarget(at report, where, field, name string) {
	if !path.IsAbs(name) || name == "/" || path.Clean(name) != name || strings.ContainsAny(name, "\\\x00\n") {
		at(where, field, "%q is not the clean absolute path of a file", name)
	}
}

// checkBaseLock checks each package of the lock, and that none is missing that was asked for on an architecture that the
// lock knows.
func checkBaseLock(at report, where string, b Base) {
	if len(b.Locked) > maxLocked {
		at(where+".locked", "locked", "more than %d packages", maxLocked)
		return
	}
	var architectures []string
	for i, p := range b.Locked {
		entry := fmt.Sprintf("%s.locked[%d]", where, i)
		if err := deb.CheckArchitecture(p.Architecture); err != nil {
			at(entry+".architecture", "architecture", "%v", err)
		}
		if i > 0 && compareLocked(b.Locked[i-1], p) >= 0 {
			at(entry+".package", "package", "%s of %s stands after %s of %s: a lock is sorted by architecture and name and has no package twice",
				p.Package, p.Architecture, b.Locked[i-1].Package, b.Locked[i-1].Architecture)
		}
		checkPackage(at, entry, p, b.Lacks)
		architectures = append(architectures, p.Architecture)
	}
	architectures = slices.Compact(architectures)
	for _, architecture := range architectures {
		if architecture == all && len(architectures) > 1 {
			continue // a part of each of the others
		}
		if name := b.missing(architecture); name != "" {
			at(where+".packages", "packages", "%s is asked for and not locked for %s: run kubedist image base lock %s", name, architecture, b.Name)
		}
		both := map[string]bool{}
		for _, p := range b.LockedFor(architecture) {
			if both[p.Package] {
				at(where+".locked", "locked", "%s is there for %s and for all architectures", p.Package, architecture)
			}
			both[p.Package] = true
		}
	}
}

// compareLocked orders the lock of a base.
func compareLocked(a, b Locked) int {
	return cmp.Or(cmp.Compare(a.Architecture, b.Architecture), cmp.Compare(a.Package, b.Package))
}
