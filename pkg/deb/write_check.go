package deb

import (
	"errors"
	"fmt"
	"io/fs"
	"net/mail"
	"path"
	"strings"
	"time"
	"unicode"
)

// check finds what would make a package that dpkg or an archive refuses.
func (p Package) check() error {
	if err := CheckName(p.Name); err != nil {
		return err
	}
	if _, err := ParseVersion(p.Version); err != nil {
		return err
	}
	if err := CheckArchitecture(p.Architecture); err != nil {
		return err
	}
	if address, err := mail.ParseAddress(p.Maintainer); err != nil || address.Name == "" {
		return fmt.Errorf("maintainer %q: not of the form NAME <ADDRESS>", p.Maintainer)
	}
	for _, field := range []struct{ name, value string }{
		{"maintainer", p.Maintainer}, {"section", p.Section}, {"priority", p.Priority}, {"summary", p.Summary},
	} {
		if field.value == "" || strings.TrimSpace(field.value) != field.value || strings.ContainsFunc(field.value, unicode.IsControl) {
			return fmt.Errorf("%s %q: must be one line", field.name, field.value)
		}
	}
	if strings.ContainsFunc(p.Homepage, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return fmt.Errorf("homepage %q: must be one word", p.Homepage)
	}
	if strings.ContainsFunc(p.Description, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
		return errors.New("description: contains a control character")
	}
	if p.Time.Before(time.Unix(1, 0)) {
		return fmt.Errorf("time %s: before the epoch, or not set", p.Time.Format(time.RFC3339))
	}
	return errors.Join(p.checkRelations(), p.checkFiles())
}

func (p Package) checkRelations() error {
	for _, field := range []struct {
		name string
		list []string
	}{
		{"depends", p.Depends}, {"recommends", p.Recommends}, {"suggests", p.Suggests},
		{"conflicts", p.Conflicts}, {"replaces", p.Replaces}, {"provides", p.Provides},
	} {
		for _, relation := range field.list {
			for _, alternative := range strings.Split(relation, "|") {
				if err := checkRelation(strings.TrimSpace(alternative)); err != nil {
					return fmt.Errorf("%s %q: %w", field.name, relation, err)
				}
			}
		}
	}
	return nil
}

// checkRelation checks NAME[:ARCH] [(OP VERSION)], Policy 7.1. Restrictions to architectures, which only sources need,
// are refused.
func checkRelation(relation string) error {
	name, restriction, restricted := strings.Cut(relation, " ")
	name, _, _ = strings.Cut(name, ":")
	if err := CheckName(name); err != nil {
		return err
	}
	if !restricted {
		return nil
	}
	inner, opened := strings.CutPrefix(restriction, "(")
	inner, closed := strings.CutSuffix(inner, ")")
	operator, version, spaced := strings.Cut(inner, " ")
	if !opened || !closed || !spaced {
		return fmt.Errorf("%q is not of the form (OPERATOR VERSION)", restriction)
	}
	switch operator {
	case "<<", "<=", "=", ">=", ">>":
	default:
		return fmt.Errorf("operator %q is not one of << <= = >= >>", operator)
	}
	_, err := ParseVersion(version)
	return err
}

func (p Package) checkFiles() error {
	kinds := map[string]bool{} // path -> is a directory
	for _, f := range p.Files {
		if !path.IsAbs(f.Path) || path.Clean(f.Path) != f.Path || f.Path == "/" || strings.ContainsFunc(f.Path, unicode.IsControl) {
			return fmt.Errorf("file %q: not a clean absolute path", f.Path)
		}
		if _, ok := kinds[f.Path]; ok {
			return fmt.Errorf("file %s: declared twice", f.Path)
		}
		kinds[f.Path] = f.Dir
		switch {
		case f.Mode&^fs.ModePerm != 0:
			return fmt.Errorf("file %s: mode %s has more than permissions", f.Path, f.Mode)
		case f.Source != "" && f.Data != nil:
			return fmt.Errorf("file %s: both Source and Data are set", f.Path)
		case f.Dir && (f.Source != "" || f.Data != nil || f.Config):
			return fmt.Errorf("file %s: a directory has no contents", f.Path)
		}
	}
	for _, f := range p.Files {
		for parent := path.Dir(f.Path); parent != "/"; parent = path.Dir(parent) {
			if dir, ok := kinds[parent]; ok && !dir {
				return fmt.Errorf("file %s: %s is a file, not a directory", f.Path, parent)
			}
		}
	}
	return nil
}
