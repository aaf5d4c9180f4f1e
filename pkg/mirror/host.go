package mirror

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"kubedist/pkg/deb822"
	"kubedist/pkg/hint"
)

// maxSources bounds a file of apt's configuration in bytes.
const maxSources = 1 << 20

// AptDir is where apt keeps its configuration.
const AptDir = "/etc/apt"

// ErrNone is a configuration of apt that names no mirror of Debian.
var ErrNone = errors.New("no mirror of the Debian archive is known")

// releases are the names that suites of the Debian archive begin with: codenames, and what they are called in turn.
var releases = regexp.MustCompile(`^(jessie|stretch|buster|bullseye|bookworm|trixie|forky|duke|sid|(oldold|old)?stable|testing|unstable)(-updates|-backports)?$`)

// source is one entry of apt's configuration: sources.list(5).
type source struct {
	uris, suites, components []string
}

// mirror returns the first URI of a source of the Debian archive itself. Its other archives, such as that for security,
// have suites with other names and a pool of their own.
func (s source) mirror() (string, bool) {
	if !slices.Contains(s.components, "main") || !slices.ContainsFunc(s.suites, releases.MatchString) {
		return "", false
	}
	for _, uri := range s.uris {
		if strings.HasPrefix(uri, "http://") || strings.HasPrefix(uri, "https://") {
			return uri, true
		}
	}
	return "", false
}

// OfHost returns the URL of the first Debian mirror in apt's configuration, the directory of which is config: in
// sources.list, then in the files of sources.list.d in the order of their names, as apt reads them. Without one the
// error wraps ErrNone and says how to name a mirror.
func OfHost(config string) (string, error) {
	fsys := os.DirFS(config)
	parts, err := fs.ReadDir(fsys, "sources.list.d")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading apt's configuration: %w", err)
	}
	names := []string{"sources.list"}
	for _, part := range parts {
		names = append(names, "sources.list.d/"+part.Name())
	}
	for _, name := range names {
		var parse func([]byte) []source
		switch path.Ext(name) {
		case ".list":
			parse = parseLines
		case ".sources":
			parse = parseStanzas
		default:
			continue
		}
		text, err := readSources(fsys, name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) { // such files hold passwords for other archives
			continue
		}
		if err != nil {
			return "", fmt.Errorf("reading apt's configuration: %w", err)
		}
		for _, s := range parse(text) {
			if uri, ok := s.mirror(); ok {
				return uri, nil
			}
		}
	}
	return "", hint.Errorf(Hint, "%w: %s has none", ErrNone, config)
}

func readSources(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSources+1))
	if err == nil && len(text) > maxSources {
		err = fmt.Errorf("%s: larger than %d bytes", name, maxSources)
	}
	return text, err
}

// parseLines reads the one-line form: deb [ option=value … ] uri suite component…. What it does not understand it passes
// over: it is apt's to complain about.
func parseLines(text []byte) []source {
	var all []source
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxSources)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "deb" {
			continue
		}
		words = words[1:]
		if len(words) > 0 && strings.HasPrefix(words[0], "[") {
			end := slices.IndexFunc(words, func(w string) bool { return strings.HasSuffix(w, "]") })
			if end < 0 {
				continue
			}
			words = words[end+1:]
		}
		if len(words) > 2 {
			all = append(all, source{uris: words[:1], suites: words[1:2], components: words[2:]})
		}
	}
	return all
}

// parseStanzas reads the deb822 form. A stanza that cannot be read ends it.
func parseStanzas(text []byte) []source {
	var all []source
	reader := deb822.NewReader(bytes.NewReader(withoutComments(text)), deb822.Limits{})
	for {
		s, err := reader.Next()
		if err != nil {
			return all
		}
		if !slices.Contains(strings.Fields(s.Get("Types")), "deb") || isNo(s.Get("Enabled")) {
			continue
		}
		all = append(all, source{uris: strings.Fields(s.Get("URIs")), suites: strings.Fields(s.Get("Suites")), components: strings.Fields(s.Get("Components"))})
	}
}

// withoutComments drops the lines that begin with #, which may stand anywhere, even in the middle of a field.
func withoutComments(text []byte) []byte {
	var kept []byte
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte("#")) {
			kept = append(kept, line...)
		}
	}
	return kept
}

// isNo reads a truth value as apt does.
func isNo(value string) bool {
	return slices.Contains([]string{"no", "false", "without", "off", "disable", "0"}, strings.ToLower(strings.TrimSpace(value)))
}

// Open returns the mirror at a URL, or without one the one that apt uses whose configuration lies in config.
func Open(at, config string) (*Mirror, error) {
	if at == "" {
		var err error
		if at, err = OfHost(config); err != nil {
			return nil, err
		}
	}
	return New(at)
}
