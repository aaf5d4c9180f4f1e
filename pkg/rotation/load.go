package rotation

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kubedist/pkg/openpgp"
	"kubedist/pkg/yamlfile"
)

// planFile is keys.yaml as it is written.
type planFile struct {
	Keys []keyFile `yaml:"keys"`
}

type keyFile struct {
	Fingerprint string `yaml:"fingerprint"`
	Secret      string `yaml:"secret,omitempty"`
	Announced   string `yaml:"announced"`
	SignsFrom   string `yaml:"signs-from"`
	SignsUntil  string `yaml:"signs-until,omitempty"`
	Public      string `yaml:"public"`
}

// Load reads the plan in the file at path. That there is none is an error that wraps fs.ErrNotExist.
func Load(path string) (*Plan, error) {
	data, err := yamlfile.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("keys of the archive: %w", err)
	}
	return Parse(path, data)
}

// Parse reads a plan strictly. Every error names the file, the line and the field; all that are found are reported
// together. A plan with a day on which no key signs is an error.
func Parse(name string, data []byte) (*Plan, error) {
	file, err := yamlfile.Parse(name, data)
	if err != nil {
		return nil, err
	}
	var f planFile
	if err := file.Decode(&f); err != nil {
		return nil, err
	}
	c := &checker{file: file}
	p := &Plan{}
	for i, k := range f.Keys {
		p.Keys = append(p.Keys, c.key(fmt.Sprintf("keys[%d].", i), k))
	}
	if len(f.Keys) == 0 {
		c.problem("keys", "missing")
	}
	if len(c.problems) == 0 {
		c.together(p)
	}
	if len(c.problems) > 0 {
		return nil, errors.Join(c.problems...)
	}
	slices.SortStableFunc(p.Keys, func(a, b Key) int { return cmp.Or(a.SignsFrom.Compare(b.SignsFrom), a.Announced.Compare(b.Announced)) })
	return p, nil
}

// checker collects what is wrong with a plan, each problem with its place in the file.
type checker struct {
	file     *yamlfile.File
	problems []error
}

func (c *checker) problem(field, format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf("%s: %s: %s", c.file.At(field), field, fmt.Sprintf(format, args...)))
}

// key reads one key.
func (c *checker) key(field string, f keyFile) Key {
	k := Key{Secret: f.Secret, Announced: c.date(field+"announced", f.Announced), SignsFrom: c.date(field+"signs-from", f.SignsFrom)}
	if f.SignsUntil != "" {
		k.SignsUntil = c.date(field+"signs-until", f.SignsUntil)
		if k.SignsUntil.Before(k.SignsFrom) { // on the same day is a key that never signs
			c.problem(field+"signs-until", "before signs-from")
		}
	}
	if k.SignsFrom.Before(k.Announced) {
		c.problem(field+"signs-from", "before the key is announced")
	}
	certs, err := openpgp.ParseKeyring([]byte(f.Public))
	switch {
	case err != nil:
		c.problem(field+"public", "%v", err)
		return k
	case len(certs) != 1:
		c.problem(field+"public", "%d keys where one belongs", len(certs))
		return k
	}
	k.Public = certs[0]
	if f.Fingerprint != k.Public.Fingerprint() {
		c.problem(field+"fingerprint", "%q is not that of the public key, %s", f.Fingerprint, k.Public.Fingerprint())
	}
	if kept, inGnuPG := strings.CutPrefix(f.Secret, GnuPGPrefix); inGnuPG && kept != f.Fingerprint {
		c.problem(field+"secret", "%s is another key", kept)
	}
	if strings.ContainsAny(f.Secret, "\r\n\x00") {
		c.problem(field+"secret", "%q is no path", f.Secret)
	}
	if begins := k.Public.Created(); begins.After(k.SignsFrom.AddDate(0, 0, 1)) {
		c.problem(field+"signs-from", "the key was made later, on %s", begins.Format(time.DateOnly))
	}
	return k
}

func (c *checker) date(field, text string) time.Time {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		c.problem(field, "%q is no date such as 2030-01-31", text)
	}
	return at
}

// together checks the keys against each other. A key that was revoked ends when nobody has planned it.
func (c *checker) together(p *Plan) {
	for i, k := range p.Keys {
		if j := slices.IndexFunc(p.Keys[:i], func(o Key) bool { return o.Public.Fingerprint() == k.Public.Fingerprint() }); j >= 0 {
			c.problem(fmt.Sprintf("keys[%d].fingerprint", i), "%s is there twice, first in line %d", k.Public.Fingerprint(), c.file.Line(fmt.Sprintf("keys[%d].fingerprint", j)))
		}
		until := k.SignsUntil
		if until.IsZero() || k.Public.Revoked() || slices.ContainsFunc(p.Keys, func(o Key) bool { return o.SignsAt(until) }) {
			continue
		}
		if slices.ContainsFunc(p.Keys, func(o Key) bool { return o.SignsFrom.After(until) }) {
			c.problem(fmt.Sprintf("keys[%d].signs-until", i), "no key signs on %s", until.Format(time.DateOnly))
		}
	}
}
