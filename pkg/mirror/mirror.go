// Package mirror reads files of a mirror of the Debian archive. It knows which one the host uses, from apt's own
// configuration, and takes a file only whole: of the size and SHA-256 that the caller knows it by. It knows no suite, no
// package and no key, and no mirror by name.
package mirror

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"kubedist/pkg/hint"
)

// Hint says how to name a mirror.
const Hint = "name a mirror of the Debian archive with --debian-mirror URL, the one whose directories dists and pool are"

// stallTime is how long a server may be silent in the middle of a file.
const stallTime = time.Minute

// Mirror is one mirror of the Debian archive.
type Mirror struct {
	url    string
	client *http.Client
}

// New returns the mirror at an http or https URL: the one below which dists and pool are. Proxies are those of the
// environment of the process.
func New(at string) (*Mirror, error) {
	u, err := url.Parse(at)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return nil, hint.Errorf(Hint, "mirror %q is not a URL that begins with http:// or https://", withoutPassword(at))
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() // which takes the proxies from the environment
	transport.ResponseHeaderTimeout = stallTime
	// A file is its bytes as they are stored, also one that ends in .gz.
	transport.DisableCompression = true
	return &Mirror{url: strings.TrimSuffix(at, "/"), client: &http.Client{Transport: transport}}, nil
}

// String is the mirror's URL without a password, for people.
func (m *Mirror) String() string { return withoutPassword(m.url) }

// withoutPassword hides the password in a URL. Of a text that is none it shows what comes after the last @.
func withoutPassword(at string) string {
	if u, err := url.Parse(at); err == nil {
		return u.Redacted()
	}
	return at[strings.LastIndex(at, "@")+1:]
}
