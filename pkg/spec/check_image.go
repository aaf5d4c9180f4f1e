package spec

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

var (
	capabilityName = regexp.MustCompile(`^cap_[a-z]+(?:_[a-z]+)*$`)           // capabilities(7)
	variableName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)           // POSIX XBD 8.1, with lower case
	userName       = regexp.MustCompile(`^([0-9]{1,10})(?::([0-9]{1,10}))?$`) // without the names that no passwd need have
)

func (c *checker) checkImages(f *file, at report) {
	for i, img := range f.spec.Images {
		where := fmt.Sprintf("images[%d]", i)
		c.declare(f, at, where, "image", img.Name)
		if img.Name != "" && !componentName.MatchString(img.Name) {
			at(where+".name", "name", "%q is not lower-case letters and digits, with dots and dashes between", img.Name)
		}
		if _, ok := c.spec.Source(img.Source); !ok {
			at(where+".source", "source", "%q is not declared", img.Source)
		}
		if len(img.Roles) == 0 {
			at(where+".roles", "roles", "missing")
		}
		c.checkRoles(at, where, img.Roles)
		c.checkRepositories(f, at, where, img)
		if img.Tag != nil {
			checkReading(at, where+".tag", *img.Tag)
		}
		c.checkImageBase(at, where, img)
		c.checkImageContents(at, where, img)
		checkImageConfig(at, where, img)
	}
	for i, cover := range f.spec.Coverage {
		where := fmt.Sprintf("coverage[%d]", i)
		if b, ok := c.spec.Binary(cover.Binary); !ok || len(b.Find) > 0 {
			at(where+".binary", "binary", "%q is not a declared program", cover.Binary)
		}
		if !registryName.MatchString(strings.SplitN(cover.Registry, "/", 2)[0]) || strings.Contains(cover.Registry, "/") && !reference.MatchString(cover.Registry) {
			at(where, "registry", "%q is not the name of a registry", cover.Registry)
		}
	}
}

// checkRepositories refuses repositories that no registry has, and two images in one.
func (c *checker) checkRepositories(f *file, at report, where string, img Image) {
	check := func(entry, field, name string) {
		if !repositoryName.MatchString(name) || len(name) > longestRepository {
			at(entry, field, "%q is not the path of a repository: lower-case letters and digits, with . _ - and / between", name)
			return
		}
		key, here := "repository "+name, f.At(entry)
		if first, ok := c.seen[key]; ok {
			at(entry, field, "repository %q is that of another image already, at %s", name, first)
			return
		}
		c.seen[key] = here
	}
	if registry, _, ok := strings.Cut(img.Repository, "/"); !ok || !registryName.MatchString(registry) {
		at(where+".repository", "repository", "%q is not of the form REGISTRY/PATH", img.Repository)
	} else {
		check(where, "repository", img.Path())
	}
	for j, name := range img.Also {
		check(fmt.Sprintf("%s.also[%d]", where, j), "also", name)
	}
}

// checkReading refuses where nothing can be read.
func checkReading(at report, where string, r Reading) {
	if !fs.ValidPath(r.File) || r.File == "." {
		at(where, "file", "%q is not a clean path inside the tree", r.File)
	}
	switch expression, err := regexp.Compile(r.Match); {
	case err != nil:
		at(where, "match", "%v", err)
	case expression.NumSubexp() != 1:
		at(where, "match", "%q has %d groups, not the one whose text is read", r.Match, expression.NumSubexp())
	}
}

func (c *checker) checkImageBase(at report, where string, img Image) {
	if img.Base == "" {
		return
	}
	b, ok := c.spec.Base(img.Base)
	if !ok {
		at(where+".base", "base", "%q is not declared", img.Base)
		return
	}
	if !b.Packed() || len(b.Locked) == 0 {
		return // which platforms it has is known when it is there
	}
	for _, p := range c.spec.Platforms {
		if img.For(p) && !b.Covers(p.Debian) {
			at(where+".base", "base", "%q is not locked for %s, for which there is an image: run kubedist image base lock %s", img.Base, p, img.Base)
		}
	}
}

func (c *checker) checkImageContents(at report, where string, img Image) {
	if len(img.Contents) == 0 {
		at(where, "contents", "missing")
	}
	taken := map[string]bool{}
	for j, content := range img.Contents {
		entry := fmt.Sprintf("%s.contents[%d]", where, j)
		if count(content.Binary != "", content.Tree != "") != 1 {
			at(entry, "contents", "exactly one of binary and tree must be set")
			continue
		}
		target, name := content.To, path.Base(content.Tree)
		if content.Binary != "" {
			name = content.Binary
			c.checkImageBinary(at, entry, content, img)
		} else {
			c.checkTreePath(at, entry+".tree", content.Tree)
		}
		if !path.IsAbs(target) || path.Clean(target) != strings.TrimSuffix(target, "/") && target != "/" || strings.ContainsAny(target, "\\\x00\n") {
			at(entry, "to", "%q is not a clean absolute path", target)
		}
		if strings.HasSuffix(target, "/") {
			target += name
		}
		if taken[target] {
			at(entry, "to", "%s is in the image already", target)
		}
		taken[target] = true
		for k, capability := range content.Capabilities {
			if !capabilityName.MatchString(capability) {
				at(fmt.Sprintf("%s.capabilities[%d]", entry, k), "capabilities", "%q is not of the form cap_net_bind_service", capability)
			}
		}
		if len(content.Capabilities) > 0 && content.Binary == "" {
			at(entry, "capabilities", "only programs have any")
		}
	}
}

// checkImageBinary finds images that cannot be made because a program in them is not compiled for their platform.
func (c *checker) checkImageBinary(at report, entry string, content ImageContent, img Image) {
	b, ok := c.spec.Binary(content.Binary)
	if !ok {
		at(entry, "binary", "%q is not declared", content.Binary)
		return
	}
	if b.Absent != "" {
		at(entry, "binary", "%q is absent: %s", content.Binary, b.Absent)
	}
	if len(b.Find) > 0 && !strings.HasSuffix(content.To, "/") {
		at(entry, "to", "%q is a group of programs, which go into a directory: one with a slash at its end", content.Binary)
	}
	for _, p := range c.spec.Platforms {
		if img.For(p) && !p.Serves(b.Roles) {
			at(entry, "binary", "%q is not compiled for %s, for which there is an image", content.Binary, p)
		}
	}
}

// checkImageConfig checks what the image says of how it is run.
func checkImageConfig(at report, where string, img Image) {
	for j, text := range img.Environment {
		if name, _, ok := strings.Cut(text, "="); !ok || !variableName.MatchString(name) || strings.ContainsRune(text, 0) {
			at(fmt.Sprintf("%s.environment[%d]", where, j), "environment", "%q is not of the form NAME=VALUE", text)
		}
	}
	if img.User != "" {
		if parts := userName.FindStringSubmatch(img.User); parts == nil || !isID(parts[1]) || parts[2] != "" && !isID(parts[2]) {
			at(where+".user", "user", "%q is not of the form UID or UID:GID, in digits", img.User)
		}
	}
	if img.WorkingDir != "" && (!path.IsAbs(img.WorkingDir) || path.Clean(img.WorkingDir) != img.WorkingDir) {
		at(where+".workingDir", "workingDir", "%q is not a clean absolute path", img.WorkingDir)
	}
	seen := map[string]bool{}
	for j, text := range img.Ports {
		number, protocol, _ := strings.Cut(text, "/")
		port, err := strconv.ParseUint(number, 10, 16)
		if err != nil || port == 0 || strconv.FormatUint(port, 10) != number || protocol != "tcp" && protocol != "udp" || seen[text] {
			at(fmt.Sprintf("%s.ports[%d]", where, j), "ports", "%q is not of the form PORT/tcp or PORT/udp, each once", text)
		}
		seen[text] = true
	}
}

// isID reports whether the system has users or groups of that number: 4294967295 stands for none (chown(2)).
func isID(text string) bool {
	n, err := strconv.ParseUint(text, 10, 32)
	return err == nil && n < 1<<32-1 && strconv.FormatUint(n, 10) == text
}
