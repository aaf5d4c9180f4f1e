package apt

import (
	"fmt"
	"path"
	"strings"
)

// peek returns the entries of one name in an index. An index that nothing else has loaded is searched, and not loaded.
func (t *tree) peek(s *suite, key indexKey, name string) ([]*entry, error) {
	if x := s.indices[key]; x != nil {
		var found []*entry
		for i, published := 0, x.named(name); i < len(published); i++ {
			found = append(found, &published[i])
		}
		for _, e := range x.added {
			if e.name == name {
				found = append(found, e)
			}
		}
		return found, nil
	}
	if s.release == nil {
		return nil, nil
	}
	file := path.Join(indexDir(key.component, key.arch), "Packages")
	text, err := t.readIndex(s, file)
	if err != nil {
		return nil, fmt.Errorf("suite %s: %s: %w", s.name, file, err)
	}
	found, err := paragraphsOf(text, name)
	if err != nil {
		return nil, fmt.Errorf("suite %s: %s: %w", s.name, file, err)
	}
	return found, nil
}

// paragraphsOf parses the paragraphs of one name in the text of an index.
func paragraphsOf(text, name string) ([]*entry, error) {
	var found []*entry
	line := "Package: " + name + "\n"
	for at := 0; ; {
		i := strings.Index(text[at:], line)
		if i < 0 {
			return found, nil
		}
		i += at
		if at = i + len(line); i > 0 && text[i-1] != '\n' {
			continue
		}
		from, to := 0, len(text)
		if j := strings.LastIndex(text[:i], "\n\n"); j >= 0 {
			from = j + 2
		}
		if j := strings.Index(text[i:], "\n\n"); j >= 0 {
			to = i + j + 1
		}
		e := &entry{}
		if err := e.parse(text[from:to], checkPoolPath); err != nil {
			return nil, err
		}
		found, at = append(found, e), to
	}
}
