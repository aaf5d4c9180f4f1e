package apt

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
)

// translationName is the name, within its suite, of the long descriptions of a component's packages.
func translationName(component string) string {
	return path.Join(component, "i18n", "Translation-en")
}

// translationFile lists the descriptions of all packages of a component, each once (Debian repository format, "Translation
// indices"). Clients find one by the name of its package and its MD5, which the paragraphs in Packages name.
func (p *publication) translationFile(s *suite, component string) *indexFile {
	stale := false
	for _, arch := range p.tree.def.Architectures {
		x := s.indices[indexKey{component, arch}]
		stale = stale || x != nil && x.changed()
	}
	return &indexFile{
		name: translationName(component), stale: stale, once: true,
		open: func(ctx context.Context) (textWriter, error) {
			found := map[translation]bool{}
			for _, arch := range p.tree.def.Architectures {
				x, err := p.tree.index(ctx, s, indexKey{component, arch})
				if err != nil {
					return nil, err
				}
				for _, e := range x.merged() {
					if value, _, has := rawField(e.text.String(), "Description"); has {
						found[translation{e.name, value}] = true
					}
				}
			}
			return paragraphs(translationEntries(found)), nil
		},
	}
}

// translation is the description of a package as it stands in a paragraph.
type translation struct{ name, value string }

// translationEntries gives the paragraphs, by package and MD5.
func translationEntries(found map[translation]bool) []*entry {
	type described struct{ name, md5, value string }
	all := make([]described, 0, len(found))
	for t := range found {
		all = append(all, described{t.name, descriptionMD5(t.value), t.value})
	}
	slices.SortFunc(all, func(a, b described) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.md5, b.md5))
	})
	entries := make([]*entry, len(all))
	for i, d := range all {
		entries[i] = &entry{text: paragraph{text: fmt.Sprintf("Package: %s\nDescription-md5: %s\nDescription-en: %s\n", d.name, d.md5, d.value)}}
	}
	return entries
}

// describe gives each paragraph the MD5 of its description where it has none. Such a field beside the description itself
// is what binds a translation to it. keep gets the new texts.
func (x *index) describe(keep *scratch) error {
	for _, e := range x.merged() {
		text := e.text.String()
		value, end, found := rawField(text, "Description")
		if !found {
			continue
		}
		if _, _, has := rawField(text, "Description-md5"); has {
			continue
		}
		described, err := keep.put([]byte(text[:end] + "Description-md5: " + descriptionMD5(value) + "\n" + text[end:]))
		if err != nil {
			return err
		}
		e.text = described
	}
	return nil
}

// descriptionMD5 is the MD5 of a description as apt and dpkg make it: of its text as it stands in the paragraph, without
// the blanks after the colon, with a line end at its end. No one's safety rests on it: it is a name.
func descriptionMD5(value string) string {
	digest := md5.Sum([]byte(value + "\n"))
	return hex.EncodeToString(digest[:])
}

// rawField finds a field in a paragraph whose lines end with line ends. value is as it stands there, continuation lines
// with their blanks; end is where the field's last line ends.
func rawField(paragraph, name string) (value string, end int, found bool) {
	for at := 0; at < len(paragraph); {
		next := lineEnd(paragraph, at)
		for next < len(paragraph) && (paragraph[next] == ' ' || paragraph[next] == '\t') {
			next = lineEnd(paragraph, next)
		}
		if field := paragraph[at:next]; len(field) > len(name) && field[len(name)] == ':' && strings.EqualFold(field[:len(name)], name) {
			return strings.TrimLeft(strings.TrimSuffix(field[len(name)+1:], "\n"), " \t"), next, true
		}
		at = next
	}
	return "", 0, false
}

// lineEnd is where the line that begins at a place ends, its line end included.
func lineEnd(text string, at int) int {
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}
