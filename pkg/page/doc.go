// Package page writes what people read about an archive in a browser, and the listings that mirrors and scripts read:
// the landing page, a page for each directory, ls-lR.
//
// It is given plain values and writes bytes, the same for the same values. It knows neither the archive's format nor the
// disk nor the clock. The pages are templates/html/; they need nothing from elsewhere, and no JavaScript to be read.
package page

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"kubedist/templates"
)

// generator is how a page says that it was written here. One without it is someone's own, which nobody may replace.
const generator = `<meta name="generator" content="kubedist">`

// Generated reports whether a page was written by this package.
func Generated(page []byte) bool {
	return bytes.Contains(page[:min(len(page), 2048)], []byte(generator))
}

// render fills in one of the templates.
func render(name string, data any) ([]byte, error) {
	set, err := template.New("").Option("missingkey=error").Funcs(functions).ParseFS(templates.FS, "html/*.html")
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	var b bytes.Buffer
	if err := set.ExecuteTemplate(&b, name, data); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	return b.Bytes(), nil
}

// functions are what the templates may call.
var functions = template.FuncMap{
	"style":  style,
	"link":   link,
	"join":   strings.Join,
	"date":   func(t time.Time) string { return t.UTC().Format("2 January 2006") },
	"minute": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") },
	"stamp":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"size":   humanSize,
	"groups": groups,
	"count":  count,
	"base":   path.Base,
	"minor":  minor,
	"anchor": anchor,
	"steps":  func(a *Archive, sudo string) steps { return steps{Archive: a, Sudo: sudo} },
	"within": func(a *Archive, s Suite) suiteOf { return suiteOf{Suite: s, Archive: a} },
}

// style is the pages' style sheet: it lies beside them and goes into each, so that every page is one file.
func style() (template.CSS, error) {
	text, err := fs.ReadFile(templates.FS, "html/style.css")
	return template.CSS(text), err
}

// link is a path relative to the page as a link: a name with a colon in it is no scheme, one with a percent sign no code.
func link(path string) string { return (&url.URL{Path: "./" + path}).EscapedPath() }

// humanSize writes a number of bytes with three digits.
func humanSize(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, unit := float64(n), ""
	for _, unit = range []string{"kB", "MB", "GB", "TB"} {
		if value /= 1000; value < 999.5 {
			break
		}
	}
	if value < 9.95 {
		return strconv.FormatFloat(value, 'f', 1, 64) + " " + unit
	}
	return strconv.FormatFloat(value, 'f', 0, 64) + " " + unit
}

// groups writes a fingerprint as gpg shows it, so that it can be compared.
func groups(fingerprint string) string {
	var b strings.Builder
	for i, digit := range fingerprint {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
			if i*2 == len(fingerprint) {
				b.WriteByte(' ')
			}
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// count writes a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// minor is 1.36 for v1.36.3: the changelog that a version is in.
func minor(version string) string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	return strings.Join(parts[:min(len(parts), 2)], ".")
}

// anchor is the name that a version has within its changelog: v1360-rc0 for v1.36.0-rc.0.
func anchor(version string) string { return strings.ReplaceAll(version, ".", "") }
