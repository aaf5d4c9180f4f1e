package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
)

// GoPURL is the package URL of a Go module (purl-spec, type golang: lower case). version may be "".
func GoPURL(path, version string) string {
	segments := strings.Split(strings.ToLower(path), "/")
	for i, s := range segments {
		segments[i] = escape(s)
	}
	purl := "pkg:golang/" + strings.Join(segments, "/")
	if version != "" {
		purl += "@" + escape(version)
	}
	return purl
}

// DebPURL is the package URL of a Debian package (purl-spec, type deb). vendor is who distributes it.
func DebPURL(vendor, name, version, architecture string) string {
	return "pkg:deb/" + escape(strings.ToLower(vendor)) + "/" + escape(name) + "@" + escape(version) + "?arch=" + escape(architecture)
}

// GenericPURL is the package URL of what has no type of its own.
func GenericPURL(name, version string) string {
	return "pkg:generic/" + escape(name) + "@" + escape(version)
}

// escape percent-encodes all but the characters that purl-spec leaves alone: letters, digits, ".", "-", "_", "~" and ":".
func escape(s string) string {
	return strings.NewReplacer("+", "%20", "%3A", ":").Replace(url.QueryEscape(s))
}

// id makes an SPDX identifier (3.1) of a kind and a name: letters, digits, "." and "-". What had to be replaced in the
// name could make two of them one, so a part of its digest follows.
func id(kind, name string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '-'
	}, name)
	sum := sha256.Sum256([]byte(name))
	return "SPDXRef-" + kind + "-" + plain + "-" + hex.EncodeToString(sum[:4])
}
