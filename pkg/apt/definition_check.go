package apt

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"kubedist/pkg/deb"
	"kubedist/pkg/yamlfile"
)

// definitionChecker collects what is wrong with a definition, each problem with its place in the file.
type definitionChecker struct {
	file     *yamlfile.File
	problems []error
}

func (c *definitionChecker) problem(field, format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf("%s: %s: %s", c.file.At(field), field, fmt.Sprintf(format, args...)))
}

func (c *definitionChecker) check(d *Definition, architectures []string) {
	c.text("origin", d.Origin)
	c.text("label", d.Label)
	c.text("description", d.Description)
	if _, err := CheckURL(d.URL); err != nil {
		c.problem("url", "%v", err)
	}
	if e := path.Ext(d.SignedBy); !path.IsAbs(d.SignedBy) || e != ".gpg" && e != ".asc" || strings.ContainsAny(d.SignedBy, " \t\r\n") {
		c.problem("signed-by", "%q is no absolute path that ends in .gpg or .asc", d.SignedBy)
	}
	c.keyringPackage(d)
	if d.ValidFor < 24*time.Hour {
		c.problem("valid-for", "shorter than a day")
	}
	if d.RefreshBefore < 0 || d.RefreshBefore >= d.ValidFor {
		c.problem("refresh-before", "not shorter than valid-for")
	}
	if d.Generations < 3 {
		c.problem("generations", "%d are fewer than the 3 that clients in the middle of an update need", d.Generations)
	}
	c.list("compressions", d.Compressions, true, func(s string) error {
		if !slices.Contains([]string{"gz", "xz", "zst"}, s) {
			return fmt.Errorf("compression %q: neither gz nor xz nor zst", s)
		}
		return nil
	})
	c.list("components", d.Components, true, checkWord)
	c.list("architectures", architectures, true, func(s string) error {
		if s == "all" {
			return errors.New(`"all" is in every architecture's index and must not be named`)
		}
		return deb.CheckArchitecture(s)
	})
	if d.Trace != "" {
		if err := checkWord(d.Trace); err != nil {
			c.problem("trace", "%v", err)
		}
	}
	c.list("kubernetes-packages", d.KubernetesPackages, false, deb.CheckName)
	c.list("distribution", d.Distribution, false, func(s string) error {
		declared, err := ParseSelector(s)
		d.distribution = append(d.distribution, declared)
		return err
	})
	c.suites(d)
}

func (c *definitionChecker) suites(d *Definition) {
	if len(d.Suites) == 0 {
		c.problem("suites", "missing")
	}
	for i := range d.Suites {
		s := &d.Suites[i]
		field := fmt.Sprintf("suites[%d].", i)
		if err := checkWord(s.Name); err != nil {
			c.problem(field+"name", "%v", err)
		}
		if j := slices.IndexFunc(d.Suites[:i], func(o Suite) bool { return o.Name == s.Name }); j >= 0 {
			c.problem(field+"name", "suite %s is named twice, first in line %d", s.Name, c.file.Line(fmt.Sprintf("suites[%d].name", j)))
		}
		if strings.ContainsAny(s.Description, "\r\n\x00") {
			c.problem(field+"description", "%q is not one line of text", s.Description)
		}
		var err error
		if s.versions, err = semver.NewConstraint(s.Accepts); err != nil || s.Accepts == "" {
			c.problem(field+"accepts", "%q is no range of versions", s.Accepts)
		}
		if s.ButAutomaticUpgrades && !s.NotAutomatic {
			c.problem(field+"but-automatic-upgrades", "means nothing without not-automatic")
		}
		if s.Keep < 0 {
			c.problem(field+"keep", "%d is no number of versions", s.Keep)
		}
		if s.Minors < 0 {
			c.problem(field+"minors", "%d is no number of minor versions", s.Minors)
		}
	}
	c.places(d)
}

// keyringPackage checks that the package's keyring is the one that clients look at, and that dpkg may replace it: below /etc
// it would ask each administrator who has fetched the keyring by hand before.
func (c *definitionChecker) keyringPackage(d *Definition) {
	if !d.KeyringPackage {
		return
	}
	if path.Dir(d.SignedBy) != keyringDir {
		c.problem("keyring-package", "signed-by must be a file in %s, where packages have keyrings", keyringDir)
	}
	if address, err := mail.ParseAddress(d.Maintainer); err != nil || address.Name == "" {
		c.problem("maintainer", "%q is not of the form NAME <ADDRESS>, which the keyring package needs", d.Maintainer)
	}
}

// places checks the names and directories under which suites are found once more: none may be another's.
func (c *definitionChecker) places(d *Definition) {
	taken := map[string]string{}
	for _, s := range d.Suites {
		taken[s.Name] = s.Name
	}
	var flats []string
	for i, s := range d.Suites {
		for j, alias := range s.Aliases {
			field := fmt.Sprintf("suites[%d].aliases[%d]", i, j)
			if err := checkWord(alias); err != nil {
				c.problem(field, "%v", err)
			} else if other, is := taken[alias]; is {
				c.problem(field, "%s is a name of suite %s already", alias, other)
			}
			taken[alias] = s.Name
		}
		if s.Flat == "" {
			continue
		}
		field := fmt.Sprintf("suites[%d].flat", i)
		if err := checkFlat(s.Flat); err != nil {
			c.problem(field, "%v", err)
		}
		for _, other := range flats {
			if s.Flat == other || strings.HasPrefix(s.Flat, other+"/") || strings.HasPrefix(other, s.Flat+"/") {
				c.problem(field, "%s overlaps %s", s.Flat, other)
			}
		}
		flats = append(flats, s.Flat)
	}
}

// checkFlat checks the directory of a flat archive: plain names below the root, the first of which the archive does not
// use itself.
func checkFlat(dir string) error {
	first, _, _ := strings.Cut(dir, "/")
	if slices.Contains([]string{distsDir, poolDir, projectDir, snapshotsDir}, first) {
		return fmt.Errorf("directory %q: %s is the archive's own", dir, first)
	}
	for part := range strings.SplitSeq(dir, "/") {
		if part == "" || part[0] == '.' || strings.ContainsFunc(part, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".+-_:~", r))
		}) {
			return fmt.Errorf("directory %q: %q is no plain name", dir, part)
		}
	}
	return nil
}

// CheckURL checks that a text can stand as the URL of an archive, and returns it without a trailing slash.
func CheckURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || !slices.Contains([]string{"http", "https"}, u.Scheme) || u.Host == "" || strings.ContainsAny(text, " \t\r\n") {
		return "", fmt.Errorf("%q is no http or https URL", text)
	}
	return strings.TrimRight(text, "/"), nil
}

// text checks what becomes a field's value in Release.
func (c *definitionChecker) text(field, value string) {
	if value == "" {
		c.problem(field, "missing")
	} else if strings.ContainsAny(value, "\r\n\x00") || value != strings.TrimSpace(value) {
		c.problem(field, "%q is not one line of text", value)
	}
}

// list checks each element and that none is there twice.
func (c *definitionChecker) list(field string, list []string, needed bool, check func(string) error) {
	if needed && len(list) == 0 {
		c.problem(field, "missing")
	}
	for i, s := range list {
		if err := check(s); err != nil {
			c.problem(fmt.Sprintf("%s[%d]", field, i), "%v", err)
		} else if slices.Contains(list[:i], s) {
			c.problem(fmt.Sprintf("%s[%d]", field, i), "%s is named twice", s)
		}
	}
}

// duration reads a number of days ("180d") or of hours, minutes and seconds as Go writes them.
func (c *definitionChecker) duration(field, text string) time.Duration {
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour
		}
	} else if d, err := time.ParseDuration(text); err == nil {
		return d
	}
	if text == "" {
		c.problem(field, "missing")
	} else {
		c.problem(field, "%q is no duration such as 180d or 36h", text)
	}
	return 0
}

// checkWord checks the name of a suite or component: it becomes a directory and a word in Release.
func checkWord(name string) error {
	for i := 0; i < len(name); i++ {
		c := name[i]
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || i > 0 && strings.IndexByte(".+-_", c) >= 0) {
			return fmt.Errorf("name %q: character %q", name, c)
		}
	}
	if name == "" {
		return errors.New("name is missing")
	}
	return nil
}
