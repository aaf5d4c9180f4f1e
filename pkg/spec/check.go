package spec

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// checker collects what is wrong with the declarations as a whole.
type checker struct {
	spec      *Spec
	templates fs.FS
	seen      map[string]string // kind and name of what was declared -> where
	problems  []error
}

var debianName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`) // Policy 5.6.7

func (c *checker) check(f *file) {
	at := func(path, field, format string, args ...any) {
		c.problems = append(c.problems, fmt.Errorf("%s: %s: %s", f.At(path), field, fmt.Sprintf(format, args...)))
	}
	c.checkPlatforms(f, at)
	c.checkSources(f, at)
	c.checkBinaries(f, at)
	c.checkPackages(f, at)
	c.checkTarballs(f, at)
	c.checkProfiles(f, at)
	c.checkReleases(f, at)
	c.checkToolchains(f, at)
	c.checkBases(f, at)
	c.checkImages(f, at)
}

// report words one problem: the YAML path it is at, the field it is about, and what is wrong.
type report func(path, field, format string, args ...any)

// declare notes that kind has an entry called name, and reports a second one.
func (c *checker) declare(f *file, at report, path, kind, name string) {
	if name == "" {
		at(path, "name", "missing")
		return
	}
	key, here := kind+" "+name, f.At(path)
	if first, ok := c.seen[key]; ok {
		at(path, "name", "%s %q is declared twice, first at %s", kind, name, first)
		return
	}
	c.seen[key] = here
}

func (c *checker) checkRoles(at report, path string, list []Role) {
	for i, r := range list {
		if r != Client && r != Node && r != Server {
			at(fmt.Sprintf("%s.roles[%d]", path, i), "roles", "%q is not one of client, node, server", r)
		}
	}
}

func (c *checker) checkPlatforms(f *file, at report) {
	debian := map[string]string{}
	for i, p := range f.spec.Platforms {
		path := fmt.Sprintf("platforms[%d]", i)
		if p.ID.OS == "" {
			at(path, "platform", "missing")
			continue
		}
		c.declare(f, at, path, "platform", p.ID.String())
		if len(p.Roles) == 0 {
			at(path, "roles", "missing")
		}
		c.checkRoles(at, path, p.Roles)
		if other := debian[p.Debian]; p.Debian != "" && other != "" {
			at(path+".debian", "debian", "%s is the architecture of %s already", p.Debian, other)
		}
		debian[p.Debian] = p.ID.String()
		if p.Serves([]Role{Node, Server}) && p.ID.OS == "linux" && (p.Debian == "" || p.ELF == nil) {
			at(path, "debian, elf", "a linux node platform needs both")
		}
	}
}

func (c *checker) checkSources(f *file, at report) {
	for i, s := range f.spec.Sources {
		path := fmt.Sprintf("sources[%d]", i)
		c.declare(f, at, path, "source", s.Name)
		if err := module.CheckPath(s.Module); err != nil {
			at(path+".module", "module", "%v", err)
		}
		if s.Version != "" && semver.Canonical(s.Version) != s.Version {
			at(path+".version", "version", "%q is not of the form v1.2.3", s.Version)
		}
		if s.Version != "" && s.Go == "" {
			at(path, "go", "missing: a source with a version of its own is compiled by a Go release of its own, or its packages would differ from one Kubernetes release to the next")
		}
		if s.Follows != nil {
			checkReading(at, path+".follows", *s.Follows)
			if s.Version != "" {
				at(path+".follows", "follows", "a source that has a version does not follow another")
			}
		}
		if s.Staging != nil && s.Staging.Version != "" && s.Staging.Version != StagingV0 && s.Staging.Version != StagingSame {
			at(path+".staging.version", "version", "%q is not known; %q and %q are", s.Staging.Version, StagingV0, StagingSame)
		}
		for j, v := range s.Build.Variables {
			if symbol, _, ok := strings.Cut(v, "="); !ok || !strings.Contains(symbol, ".") {
				at(fmt.Sprintf("%s.build.variables[%d]", path, j), "variables", "%q is not of the form SYMBOL=VALUE", v)
			}
		}
	}
}

func (c *checker) checkBinaries(f *file, at report) {
	for i, b := range f.spec.Binaries {
		path := fmt.Sprintf("binaries[%d]", i)
		c.declare(f, at, path, "binary", b.Name)
		if _, ok := c.spec.Source(b.Source); !ok {
			at(path+".source", "source", "%q is not declared", b.Source)
		}
		if count(b.Main != "", b.C != nil, len(b.Find) > 0) != 1 {
			at(path, "main, c, find", "exactly one of them must be set")
		}
		if b.C != nil {
			c.checkC(at, path, b)
		}
		if b.Link != Static {
			at(path+".link", "link", "%q is not %q; what a profile links otherwise stands under profiles", b.Link, Static)
		}
		c.checkRoles(at, path, b.Roles)
	}
	for i, d := range f.spec.Documents {
		path := fmt.Sprintf("documents[%d]", i)
		c.declare(f, at, path, "document", d.Name)
		if b, ok := c.spec.Binary(d.Binary); !ok || b.Main == "" {
			at(path+".binary", "binary", "%q is not a declared program in Go", d.Binary)
		}
		if strings.ContainsAny(d.Stdout, `/\`) {
			at(path+".stdout", "stdout", "%q is not a plain file name", d.Stdout)
		}
	}
}

func (c *checker) checkPackages(f *file, at report) {
	for i, p := range f.spec.Packages {
		where := fmt.Sprintf("packages[%d]", i)
		c.declare(f, at, where, "package", p.Name)
		if !debianName.MatchString(p.Name) {
			at(where+".name", "name", "%q is not a Debian package name", p.Name)
		}
		if _, ok := c.spec.Source(p.Source); !ok {
			at(where+".source", "source", "%q is not declared", p.Source)
		}
		for _, field := range []struct{ name, value string }{{"section", p.Section}, {"priority", p.Priority}, {"summary", p.Summary}, {"homepage", p.Homepage}} {
			if field.value == "" || strings.Contains(field.value, "\n") {
				at(where+"."+field.name, field.name, "must be one line")
			}
		}
		if strings.TrimSpace(p.Description) == "" {
			at(where+".description", "description", "missing")
		}
		if len(p.Roles) == 0 {
			at(where+".roles", "roles", "missing")
		}
		if len(p.Contents) == 0 {
			at(where+".contents", "contents", "missing")
		}
		c.checkRoles(at, where, p.Roles)
		for j, content := range p.Contents {
			c.checkContent(at, fmt.Sprintf("%s.contents[%d]", where, j), content, p)
		}
		for _, script := range []struct{ field, name string }{{"preinst", p.Scripts.Preinst}, {"postinst", p.Scripts.Postinst}, {"prerm", p.Scripts.Prerm}, {"postrm", p.Scripts.Postrm}} {
			if script.name != "" {
				c.checkTemplate(at, where+".scripts."+script.field, script.field, script.name)
			}
		}
		for j, r := range p.Relations {
			for k, earlier := range p.Relations[:j] {
				if r.Versions.Overlaps(earlier.Versions) {
					at(fmt.Sprintf("%s.relations[%d].versions", where, j), "versions", "%s overlaps %s of entry %d; exactly one range may match a version", r.Versions, earlier.Versions, k+1)
				}
			}
		}
	}
}

func (c *checker) checkContent(at report, where string, content Content, p Package) {
	if count(content.Binary != "", content.Document != "", content.Template != "", content.Tree != "", content.Dir != "") != 1 {
		at(where, "contents", "exactly one of binary, document, template, tree and dir must be set")
		return
	}
	field, target := "to", content.To
	if content.Dir != "" {
		field, target = "dir", content.Dir
	}
	if !path.IsAbs(target) || path.Clean(target) != strings.TrimSuffix(target, "/") {
		at(where+"."+field, field, "%q is not a clean absolute path", target)
	}
	if content.Dir != "" && content.To != "" {
		at(where+".to", "to", "a directory has its path in dir")
	}
	if content.Files != "" && content.Document == "" {
		at(where+".files", "files", "only a document has several files to choose from")
	}
	if content.Gzip && content.Document == "" && content.Template == "" {
		at(where+".gzip", "gzip", "only documents and templates are compressed")
	}
	if content.Config && (content.Binary != "" || content.Dir != "") {
		at(where+".config", "config", "neither a program nor a directory is a conffile")
	}
	switch {
	case content.Binary != "":
		c.checkPackagedBinary(at, where+".binary", content.Binary, p)
	case content.Document != "":
		if _, ok := c.spec.Document(content.Document); !ok {
			at(where+".document", "document", "%q is not declared", content.Document)
		}
	case content.Template != "":
		c.checkTemplate(at, where+".template", "template", content.Template)
	case content.Tree != "":
		c.checkTreePath(at, where+".tree", content.Tree)
	}
	if _, err := path.Match(content.Files, ""); err != nil {
		at(where+".files", "files", "%q: %v", content.Files, err)
	}
}

// checkPackagedBinary finds packages that cannot be made because a program in them is not compiled for their platform.
func (c *checker) checkPackagedBinary(at report, where, name string, p Package) {
	binary, ok := c.spec.Binary(name)
	if !ok {
		at(where, "binary", "%q is not declared", name)
		return
	}
	if binary.Absent != "" {
		at(where, "binary", "%q is absent: %s", name, binary.Absent)
	}
	for _, platform := range c.spec.Platforms {
		if platform.Debian != "" && platform.Serves(p.Roles) && !platform.Serves(binary.Roles) {
			at(where, "binary", "%q is not compiled for %s, for which there is a package", name, platform)
		}
	}
}

func (c *checker) checkTemplate(at report, where, field, name string) {
	if info, err := fs.Stat(c.templates, name); err != nil || info.IsDir() {
		at(where, field, "templates/%s does not exist", name)
	}
}

func (c *checker) checkTreePath(at report, where, name string) {
	if !fs.ValidPath(name) {
		at(where, "tree", "%q is not a clean path inside the tree", name)
	}
}

func (c *checker) checkTarballs(f *file, at report) {
	for i, t := range f.spec.Tarballs {
		where := fmt.Sprintf("tarballs[%d]", i)
		c.declare(f, at, where, "tarball", t.Name)
		if _, ok := c.spec.Source(t.Source); !ok {
			at(where+".source", "source", "%q is not declared", t.Source)
		}
		c.checkRoles(at, where, t.Roles)
		for j, item := range t.Contents {
			c.checkTarballItem(at, fmt.Sprintf("%s.contents[%d]", where, j), item)
		}
	}
}

func (c *checker) checkTarballItem(at report, where string, item TarballItem) {
	if count(len(item.Binaries) > 0, len(item.Images) > 0, item.Tree != "", item.Version, item.Tarball != "") != 1 {
		at(where, "contents", "exactly one of binaries, images, tree, version and tarball must be set")
	}
	if !fs.ValidPath(strings.TrimSuffix(item.To, "/")) {
		at(where, "to", "%q is not a clean relative path", item.To)
	}
	for k, name := range item.Binaries {
		if _, ok := c.spec.Binary(name); !ok {
			at(fmt.Sprintf("%s.binaries[%d]", where, k), "binaries", "%q is not declared", name)
		}
	}
	for k, name := range item.Images {
		if _, ok := c.spec.Image(name); !ok {
			at(fmt.Sprintf("%s.images[%d]", where, k), "images", "%q is not declared", name)
		}
	}
	if item.Tree != "" {
		c.checkTreePath(at, where+".tree", item.Tree)
	}
	if item.Tarball != "" {
		if t, ok := c.spec.Tarball(item.Tarball); !ok || len(t.Roles) > 0 {
			at(where+".tarball", "tarball", "%q is not a declared tarball without a platform", item.Tarball)
		}
	}
}
