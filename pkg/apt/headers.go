package apt

import "path"

// ContentType gives the media type of a file of a published tree by its name. Nothing has a Content-Encoding: apt asks
// for a .gz as it is.
func ContentType(name string) string {
	if path.Ext(name) == ".html" {
		return "text/html; charset=utf-8"
	}
	return contentType(name)
}

// CacheControl gives the Cache-Control (RFC 9111) of a file of a published tree by its name. What never changes may be
// kept for a year. An InRelease is one file and may be a minute old. Files of which a client needs several that belong
// together, such as Release and Release.gpg, are to be asked for each time: a cache that had an old one of the one and a
// new one of the other would break them.
func CacheControl(name string) string {
	switch s := StageOf(name); {
	case s.Immutable():
		return "public, max-age=31536000, immutable"
	case s == StageIndices, s == StageRelease:
		return "public, no-cache"
	}
	return "public, max-age=60"
}
