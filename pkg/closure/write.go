package closure

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"kubedist/pkg/spec"
)

// width is how long the lines of prose in a lock are.
const width = 120

// Text writes a tool chain as a file of specs/toolchains: the same bytes for the same tool chain, which [spec.Load] reads
// back as it was.
func Text(t spec.Toolchain) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# The C tool chain of Debian %s for programs with cgo. What is below locked is written by\n# `kubedist toolchain lock %s`, all else by people; README.md beside this directory says how.\n", t.Suite, t.Suite)
	fmt.Fprintf(&b, "toolchains:\n  - suite: %s\n    architecture: %s\n", t.Suite, t.Architecture)
	list(&b, "    ", "packages", t.Packages)
	leftOut(&b, "without", t.Without)
	leftOut(&b, "exclude", t.Exclude)
	links(&b, t.Links)
	list(&b, "    ", "directories", t.Directories)
	locked(&b, t.Locked)
	return b.Bytes()
}

// BaseText writes a base of packages as a file of specs/bases: the same bytes for the same base, which [spec.Load] reads
// back as it was.
func BaseText(base spec.Base) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# A base of images. What is below locked is written by `kubedist image base lock %s`, all else by people;\n# README.md in the directory above says how.\n", base.Name)
	fmt.Fprintf(&b, "bases:\n  - name: %s\n    suite: %s\n", quote(base.Name), quote(base.Suite))
	list(&b, "    ", "packages", base.Packages)
	leftOut(&b, "without", base.Without)
	leftOut(&b, "exclude", base.Exclude)
	heading(&b, "bundles", len(base.Bundles))
	for _, x := range base.Bundles {
		drop := ""
		if x.Drop {
			drop = ", drop: true"
		}
		fmt.Fprintf(&b, "      - {match: %s, to: %s%s}\n", quote(x.Match), quote(x.To), drop)
	}
	heading(&b, "files", len(base.Files))
	for _, f := range base.Files {
		fmt.Fprintf(&b, "      - {template: %s, to: %s}\n", quote(f.Template), quote(f.To))
	}
	links(&b, base.Links)
	list(&b, "    ", "scratch", base.Scratch)
	locked(&b, base.Locked)
	return b.Bytes()
}

// heading begins a list that has entries.
func heading(b *bytes.Buffer, field string, entries int) {
	if entries > 0 {
		fmt.Fprintf(b, "    %s:\n", field)
	}
}

func links(b *bytes.Buffer, items []spec.Symlink) {
	heading(b, "links", len(items))
	for _, l := range items {
		fmt.Fprintf(b, "      - {path: %s, to: %s}\n", quote(l.Path), quote(l.To))
	}
}

func locked(b *bytes.Buffer, items []spec.Locked) {
	heading(b, "locked", len(items))
	for _, p := range items {
		fmt.Fprintf(b, "      - package: %s\n        version: %q\n        architecture: %s\n        path: %s\n        size: %d\n        sha256: %q\n",
			quote(p.Package), p.Version, p.Architecture, quote(p.Path), p.Size, p.SHA256)
	}
}

func list(b *bytes.Buffer, indent, field string, items []string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "%s%s:\n", indent, field)
	for _, item := range items {
		fmt.Fprintf(b, "%s  - %s\n", indent, quote(item))
	}
}

func leftOut(b *bytes.Buffer, field string, items []spec.LeftOut) {
	heading(b, field, len(items))
	for _, l := range items {
		b.WriteString("      - why: >-\n")
		line := "         "
		for _, word := range strings.Fields(l.Why) {
			if len(line)+1+len(word) > width {
				b.WriteString(line + "\n")
				line = "         "
			}
			line += " " + word
		}
		b.WriteString(line + "\n")
		list(b, "        ", "match", l.Match)
	}
}

// quote writes a text so that YAML reads no number, no pattern and no mark out of it: plainly where that is certain.
func quote(text string) string {
	plain := text != "" && (text[0] >= 'a' && text[0] <= 'z' || text[0] == '/') && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+._/~") == ""
	if plain && text != "null" && text != "true" && text != "false" && text != "yes" && text != "no" && text != "on" && text != "off" && text != "y" && text != "n" {
		return text
	}
	return strconv.Quote(text)
}
