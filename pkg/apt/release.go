package apt

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"kubedist/pkg/deb822"
)

// Release is a suite's Release file: what the suite is, and the digest of each of its indices.
type Release struct {
	Origin, Label   string
	Suite, Codename string
	Date            time.Time
	ValidUntil      time.Time // zero when the file sets no end
	SignedBy        []string  // fingerprints that must sign the suite from now on
	Architectures   []string
	Components      []string
	Description     string
	AcquireByHash   bool
	// NotAutomatic keeps clients from installing from the suite what they are not told to (priority 1, apt_preferences(5));
	// with ButAutomaticUpgrades they upgrade what they have from it (priority 100).
	NotAutomatic, ButAutomaticUpgrades bool
	Files                              []ReleaseFile // sorted by path
}

// ReleaseFile is one file that a Release lists.
type ReleaseFile struct {
	Path   string // relative to the suite's directory
	Size   int64
	SHA256 string // lower-case hexadecimal
}

// releaseTime is the form of times in Release, always UTC: apt takes no other zone for Valid-Until.
const releaseTime = "Mon, 02 Jan 2006 15:04:05 UTC"

// Text writes the file in the Debian repository format. A field with a value that a Release cannot hold is an error.
func (r *Release) Text() ([]byte, error) {
	var s deb822.Stanza
	set := func(name, value string) {
		if value != "" {
			s = append(s, deb822.Field{Name: name, Value: value})
		}
	}
	set("Origin", r.Origin)
	set("Label", r.Label)
	set("Suite", r.Suite)
	set("Codename", r.Codename)
	set("Date", formatTime(r.Date))
	set("Valid-Until", formatTime(r.ValidUntil))
	set("Signed-By", strings.Join(r.SignedBy, ","))
	for _, f := range []struct {
		name string
		is   bool
	}{{"NotAutomatic", r.NotAutomatic}, {"ButAutomaticUpgrades", r.ButAutomaticUpgrades}, {"Acquire-By-Hash", r.AcquireByHash}} {
		if f.is {
			set(f.name, "yes")
		}
	}
	set("Architectures", strings.Join(r.Architectures, " "))
	set("Components", strings.Join(r.Components, " "))
	set("Description", r.Description)
	var list strings.Builder
	for _, f := range r.Files {
		fmt.Fprintf(&list, "\n%s %10d %s", f.SHA256, f.Size, f.Path)
	}
	set("SHA256", list.String())
	var b bytes.Buffer
	if _, err := s.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("release: %w", err)
	}
	return b.Bytes(), nil
}

// File returns the listed file of that path.
func (r *Release) File(path string) (ReleaseFile, bool) {
	i, found := slices.BinarySearchFunc(r.Files, path, func(f ReleaseFile, p string) int { return strings.Compare(f.Path, p) })
	if !found {
		return ReleaseFile{}, false
	}
	return r.Files[i], true
}

// ParseRelease reads the text of a Release file. It refuses times in another zone than UTC, and listed paths that leave
// the suite's directory, are listed twice or are the Release itself.
func ParseRelease(text []byte) (*Release, error) {
	// Room for more than a hundred thousand listed files.
	s, err := deb822.Parse(text, deb822.Limits{Stanza: 16 << 20})
	if err != nil {
		return nil, err
	}
	r := &Release{
		Origin: s.Get("Origin"), Label: s.Get("Label"), Suite: s.Get("Suite"), Codename: s.Get("Codename"),
		SignedBy:      strings.FieldsFunc(s.Get("Signed-By"), func(c rune) bool { return c == ',' || c == ' ' || c == '\n' }),
		Architectures: strings.Fields(s.Get("Architectures")), Components: strings.Fields(s.Get("Components")),
		Description: s.Get("Description"), AcquireByHash: s.Get("Acquire-By-Hash") == "yes",
		NotAutomatic: s.Get("NotAutomatic") == "yes", ButAutomaticUpgrades: s.Get("ButAutomaticUpgrades") == "yes",
	}
	if r.Date, err = parseTime(s.Get("Date")); err != nil {
		return nil, fmt.Errorf("field Date: %w", err)
	}
	if until, found := s.Lookup("Valid-Until"); found {
		if r.ValidUntil, err = parseTime(until); err != nil {
			return nil, fmt.Errorf("field Valid-Until: %w", err)
		}
	}
	list, found := s.Lookup("SHA256")
	if !found {
		return nil, errors.New("field SHA256: missing")
	}
	if r.Files, err = parseFiles(list); err != nil {
		return nil, fmt.Errorf("field SHA256: %w", err)
	}
	return r, nil
}

func parseFiles(list string) ([]ReleaseFile, error) {
	var files []ReleaseFile
	for line := range strings.SplitSeq(list, "\n") {
		if line == "" {
			continue
		}
		words := strings.Fields(line)
		if len(words) != 3 {
			return nil, fmt.Errorf("%q is no digest, size and path", line)
		}
		f := ReleaseFile{SHA256: words[0], Path: words[2]}
		if err := checkDigest(f.SHA256); err != nil {
			return nil, err
		}
		size, err := strconv.ParseUint(words[1], 10, 63)
		if err != nil {
			return nil, fmt.Errorf("size %q is no number", words[1])
		}
		f.Size = int64(size)
		if path.IsAbs(f.Path) || path.Clean(f.Path) != f.Path || f.Path == ".." || strings.HasPrefix(f.Path, "../") || strings.Contains(f.Path, "\x00") {
			return nil, fmt.Errorf("path %q leaves the suite", f.Path)
		}
		if slices.Contains([]string{".", "Release", "InRelease", "Release.gpg"}, f.Path) {
			return nil, fmt.Errorf("path %q cannot be listed", f.Path)
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b ReleaseFile) int { return strings.Compare(a.Path, b.Path) })
	for i := 1; i < len(files); i++ {
		if files[i].Path == files[i-1].Path {
			return nil, fmt.Errorf("path %q is listed twice", files[i].Path)
		}
	}
	return files, nil
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(releaseTime)
}

func parseTime(text string) (time.Time, error) {
	date := text
	for _, zone := range []string{" GMT", " UTC", " Z", " +0000"} {
		if before, found := strings.CutSuffix(text, zone); found {
			date = before + " UTC"
		}
	}
	// A day of the month may stand with one digit.
	t, err := time.ParseInLocation("Mon, _2 Jan 2006 15:04:05 UTC", date, time.UTC)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time in UTC such as %q", text, releaseTime)
	}
	return t, nil
}

// signedText takes the text out of a clearsigned file without looking at its signature (RFC 9580, section 7).
func signedText(file []byte) ([]byte, error) {
	const begin, signature = "-----BEGIN PGP SIGNED MESSAGE-----\n", "\n-----BEGIN PGP SIGNATURE-----\n"
	if !bytes.HasPrefix(file, []byte(begin)) {
		return nil, errors.New("not a clearsigned file")
	}
	_, body, found := bytes.Cut(file[len(begin):], []byte("\n\n"))
	if !found {
		return nil, errors.New("clearsigned file: no end of its headers")
	}
	text, armor, found := bytes.Cut(body, []byte(signature))
	if !found || !bytes.HasSuffix(bytes.TrimSpace(armor), []byte("-----END PGP SIGNATURE-----")) {
		return nil, errors.New("clearsigned file: no whole signature")
	}
	text = append(bytes.ReplaceAll(text, []byte("\n- "), []byte("\n")), '\n')
	return bytes.TrimPrefix(text, []byte("- ")), nil
}
