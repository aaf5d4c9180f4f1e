package changes

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"kubedist/pkg/deb822"
)

// Upload is a source package with the binary packages built from it.
type Upload struct {
	Source     string
	Version    string // Debian's
	Maintainer string // who changed it, too
	Date       time.Time
	Entry      Entry
	Packages   []Package
}

// Package is a binary package of an upload.
type Package struct {
	Name         string
	Architecture string
	Section      string
	Priority     string
	Summary      string // first line of Description
	File         File
}

// File is a file of an upload.
type File struct {
	Name   string // plain
	Size   int64  // bytes
	MD5    string // lower-case hexadecimal
	SHA1   string
	SHA256 string
}

// Build is what packages were built with.
type Build struct {
	Architecture string            // of the building machine, as Debian calls it
	Packages     []string          // Debian's that took part in the build, as "name (= version)"
	Environment  map[string]string // that took part in the build
	// Tools are fields of their own: deb-buildinfo(5) has names for Debian packages alone.
	Tools []deb822.Field
}

// Name is the name of the upload's file with an extension such as ".changes": source, version without its epoch, and the
// architecture, "multi" where there are several, as mergechanges names them.
func (u *Upload) Name(extension string) string {
	version := u.Version
	if _, rest, found := strings.Cut(version, ":"); found {
		version = rest
	}
	arch := "multi"
	if list := u.architectures(); len(list) == 1 {
		arch = list[0]
	}
	return u.Source + "_" + version + "_" + arch + extension
}

// Changes writes the .changes file, which lists the packages and the files beside them, such as the .buildinfo.
func (u *Upload) Changes(beside ...File) ([]byte, error) {
	packages, err := u.sorted()
	if err != nil {
		return nil, err
	}
	var files []listed
	for _, p := range packages {
		files = append(files, listed{p.File, p.Section, p.Priority})
	}
	for _, f := range beside {
		files = append(files, listed{f, packages[0].Section, packages[0].Priority})
	}
	slices.SortFunc(files, func(a, b listed) int { return cmp.Compare(a.Name, b.Name) })
	var descriptions []string
	for _, p := range packages {
		descriptions = append(descriptions, fmt.Sprintf("%-10s - %s", p.Name, p.Summary))
	}
	s := deb822.Stanza{
		{Name: "Format", Value: "1.8"},
		{Name: "Date", Value: u.date()},
		{Name: "Source", Value: u.Source},
		{Name: "Binary", Value: strings.Join(u.names(), " ")},
		{Name: "Architecture", Value: strings.Join(u.architectures(), " ")},
		{Name: "Version", Value: u.Version},
		{Name: "Distribution", Value: u.Entry.Distribution},
		{Name: "Urgency", Value: u.Entry.Urgency},
		{Name: "Maintainer", Value: u.Maintainer},
		{Name: "Changed-By", Value: u.Maintainer},
		{Name: "Description", Value: lines(slices.Compact(descriptions))},
		{Name: "Changes", Value: lines(u.Entry.text())},
		{Name: "Checksums-Sha1", Value: lines(checksums(files, func(f File) string { return f.SHA1 }))},
		{Name: "Checksums-Sha256", Value: lines(checksums(files, func(f File) string { return f.SHA256 }))},
		{Name: "Files", Value: lines(md5sums(files))},
	}
	return u.write(s, ".changes")
}

// BuildInfo writes the .buildinfo file. Where no Debian package took part in the build it has no Installed-Build-Depends:
// deb-buildinfo(5) wants the field, but lintian warns of an empty one, and there is nothing that it could say.
func (u *Upload) BuildInfo(b Build) ([]byte, error) {
	packages, err := u.sorted()
	if err != nil {
		return nil, err
	}
	var files []listed
	for _, p := range packages {
		files = append(files, listed{File: p.File})
	}
	var environment []string
	for name, value := range b.Environment {
		environment = append(environment, name+`="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)+`"`)
	}
	slices.Sort(environment)
	s := deb822.Stanza{
		{Name: "Format", Value: "1.0"},
		{Name: "Source", Value: u.Source},
		{Name: "Binary", Value: strings.Join(u.names(), " ")},
		{Name: "Architecture", Value: strings.Join(u.architectures(), " ")},
		{Name: "Version", Value: u.Version},
		{Name: "Checksums-Md5", Value: lines(checksums(files, func(f File) string { return f.MD5 }))},
		{Name: "Checksums-Sha1", Value: lines(checksums(files, func(f File) string { return f.SHA1 }))},
		{Name: "Checksums-Sha256", Value: lines(checksums(files, func(f File) string { return f.SHA256 }))},
		{Name: "Build-Architecture", Value: b.Architecture},
		{Name: "Build-Date", Value: u.date()},
	}
	if len(b.Packages) > 0 {
		s.Set("Installed-Build-Depends", lines(strings.Split(strings.Join(slices.Sorted(slices.Values(b.Packages)), ",\n"), "\n")))
	}
	s.Set("Environment", lines(environment))
	return u.write(append(s, b.Tools...), ".buildinfo")
}

func (u *Upload) write(s deb822.Stanza, extension string) ([]byte, error) {
	text, err := s.Append(nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u.Name(extension), err)
	}
	return text, nil
}

// sorted returns the packages in the order of their files.
func (u *Upload) sorted() ([]Package, error) {
	packages := slices.Clone(u.Packages)
	slices.SortFunc(packages, func(a, b Package) int { return cmp.Compare(a.File.Name, b.File.Name) })
	if len(packages) == 0 {
		return nil, fmt.Errorf("upload of %s %s: without packages", u.Source, u.Version)
	}
	for i := 1; i < len(packages); i++ {
		if packages[i].File.Name == packages[i-1].File.Name {
			return nil, fmt.Errorf("upload of %s %s: %s comes twice", u.Source, u.Version, packages[i].File.Name)
		}
	}
	return packages, nil
}

func (u *Upload) names() []string { return u.each(func(p Package) string { return p.Name }) }

func (u *Upload) architectures() []string {
	return u.each(func(p Package) string { return p.Architecture })
}

func (u *Upload) each(of func(Package) string) []string {
	var list []string
	for _, p := range u.Packages {
		list = append(list, of(p))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// date is the upload's as deb-changes(5) wants it: in the form of changelogs (RFC 5322).
func (u *Upload) date() string { return u.Date.UTC().Format(time.RFC1123Z) }

// listed is a file with what Files says of it besides.
type listed struct {
	File
	section, priority string
}

func checksums(files []listed, digest func(File) string) []string {
	var list []string
	for _, f := range files {
		list = append(list, fmt.Sprintf("%s %d %s", digest(f.File), f.Size, f.Name))
	}
	return list
}

func md5sums(files []listed) []string {
	var list []string
	for _, f := range files {
		list = append(list, fmt.Sprintf("%s %d %s %s %s", f.MD5, f.Size, f.section, f.priority, f.Name))
	}
	return list
}

// lines is the value of a field whose first line is empty.
func lines(list []string) string { return "\n" + strings.Join(list, "\n") }
