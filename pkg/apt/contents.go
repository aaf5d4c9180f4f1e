package apt

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// contentsName is the name, within its suite, of the list of the files in all packages of an index.
func contentsName(key indexKey) string {
	return path.Join(key.component, "Contents-"+key.arch)
}

// contentsFile lists which package has which file (Debian repository format, "Contents indices"): what apt-file searches.
// It knows names and no versions: a file that any version of a package has is listed.
func (p *publication) contentsFile(s *suite, key indexKey) *indexFile {
	x := s.indices[key]
	return &indexFile{
		name: contentsName(key), stale: x != nil && x.changed(), once: true,
		open: func(ctx context.Context) (textWriter, error) {
			x, err := p.tree.index(ctx, s, key)
			if err != nil {
				return nil, err
			}
			change, old, err := p.contentsChange(ctx, s, key, x)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", contentsName(key), err)
			}
			return func(ctx context.Context, w io.Writer) error { return change.apply(ctx, old, w) }, nil
		},
	}
}

// contentsChange is what becomes of a published list.
type contentsChange struct {
	forget    map[string]bool   // names of packages whose lines count no more
	locations map[string]string // the locations of packages that are in fresh, by name: section/name
	fresh     []contentsLine    // sorted, none twice
}

// contentsLine says that a package has a file.
type contentsLine struct{ path, name string }

func compareLines(a, b contentsLine) int {
	return cmp.Or(strings.Compare(a.path, b.path), strings.Compare(a.name, b.name))
}

// contentsChange finds out which packages of an index changed since its list was published, and reads as few of them as
// can be: those that were added, and all versions of those that lost one. It returns the published list, "" where there
// is none that could be built upon.
func (p *publication) contentsChange(ctx context.Context, s *suite, key indexKey, x *index) (*contentsChange, string, error) {
	change := &contentsChange{forget: map[string]bool{}, locations: map[string]string{}}
	read := map[packageKey]bool{}
	past := map[packageKey]string{}
	old, known := p.publishedContents(ctx, s, key, past)
	now := x.merged()
	for _, e := range now {
		if digest, had := past[e.key()]; had && digest == e.sha256 {
			delete(past, e.key())
		} else {
			read[e.key()] = true
		}
	}
	for gone := range past {
		change.forget[gone.name] = true
	}
	if !known {
		clear(change.forget)
	}
	var wanted []*entry
	for _, e := range now {
		if read[e.key()] || change.forget[e.name] {
			wanted = append(wanted, e)
			change.locations[e.name] = ""
		}
	}
	for _, e := range now { // the newest version comes last, and its word counts
		if _, is := change.locations[e.name]; is {
			change.locations[e.name] = contentsLocation(e)
		}
	}
	lists, err := p.tx.fileLists(ctx, wanted)
	if err != nil {
		return nil, "", err
	}
	for i, e := range wanted {
		for file := range strings.SplitSeq(lists[i], "\n") {
			if file != "" {
				change.fresh = append(change.fresh, contentsLine{file, e.name})
			}
		}
	}
	slices.SortFunc(change.fresh, compareLines)
	change.fresh = slices.Compact(change.fresh)
	return change, old, nil
}

// publishedContents reads the published list of an index, and notes the digests of the packages that were in the index
// then. It reports whether there is such a list.
func (p *publication) publishedContents(ctx context.Context, s *suite, key indexKey, past map[packageKey]string) (string, bool) {
	if s.listed(contentsName(key), nil) == nil || ctx.Err() != nil {
		return "", false
	}
	old, err := p.tree.readIndex(s, contentsName(key))
	if err != nil || !sortedContents(old) {
		return "", false
	}
	text, err := p.tree.readIndex(s, packagesName(key))
	if err != nil {
		return "", false
	}
	entries, err := parsePackages(text)
	if err != nil {
		return "", false
	}
	for i := range entries {
		past[entries[i].key()] = entries[i].sha256
	}
	return old, true
}

// contentsLocation is how a package is named in a list.
func contentsLocation(e *entry) string {
	section, _, _ := rawField(e.text.String(), "Section")
	if section = strings.TrimSpace(section); section == "" || strings.ContainsAny(section, " \t\n,") {
		return e.name
	}
	return section + "/" + e.name
}

// apply writes the list that comes of an old one.
func (c *contentsChange) apply(ctx context.Context, old string, w io.Writer) error {
	b := bufio.NewWriterSize(w, 64<<10)
	fresh := c.fresh
	for lines := 0; old != "" || len(fresh) > 0; lines++ {
		if lines%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		file, locations, rest := nextContents(old)
		var all []string
		if old != "" && (len(fresh) == 0 || file <= fresh[0].path) {
			old = rest
			for location := range strings.SplitSeq(locations, ",") {
				switch name := path.Base(location); {
				case c.forget[name]:
				case c.locations[name] != "":
					all = append(all, c.locations[name])
				default:
					all = append(all, location)
				}
			}
		} else {
			file = fresh[0].path
		}
		for ; len(fresh) > 0 && fresh[0].path == file; fresh = fresh[1:] {
			all = append(all, c.locations[fresh[0].name])
		}
		if len(all) == 0 {
			continue
		}
		slices.SortFunc(all, func(a, b string) int {
			return cmp.Or(strings.Compare(path.Base(a), path.Base(b)), strings.Compare(a, b))
		})
		if _, err := fmt.Fprintf(b, "%-55s %s\n", file, strings.Join(slices.Compact(all), ",")); err != nil {
			return err
		}
	}
	return b.Flush()
}

// nextContents takes the first line off a list. Blanks within a file's name are part of it; those before the locations,
// which have none, are not.
func nextContents(list string) (file, locations, rest string) {
	line, rest, _ := strings.Cut(list, "\n")
	i := strings.LastIndexAny(line, " \t")
	return strings.TrimRight(line[:i+1], " \t"), line[i+1:], rest
}

// sortedContents reports whether a list is as apply writes one: sorted by file, with locations, none of them empty, on each line.
func sortedContents(list string) bool {
	for last := ""; list != ""; {
		file, locations, rest := nextContents(list)
		if file <= last || strings.Contains(","+locations+",", ",,") {
			return false
		}
		last, list = file, rest
	}
	return true
}
