package apt

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"kubedist/pkg/page"
)

// Handler serves an archive over HTTP as clients and mirrors need it: 404 for what is not there (apt takes 403 for a
// refusal, and a page for an index), no Content-Encoding, ranges and conditional requests answered. A directory is its
// index.html; one without, and names that begin with a dot, are not there. [os.Root.Close] of the root ends it.
func Handler(root *os.Root) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		// Doubled slashes are one, as other servers have it: debmirror asks with them.
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		if strings.HasPrefix(name, ".") || strings.Contains(name, "/.") {
			notFound(w, name)
			return
		}
		if name == "" || strings.HasSuffix(r.URL.Path, "/") {
			name = path.Join(name, page.IndexFile)
		}
		f, err := root.Open(name)
		if err != nil {
			notFound(w, name)
			return
		}
		defer f.Close()
		info, err := f.Stat()
		if err == nil && info.IsDir() {
			toDirectory(w, root, name)
			return
		}
		if err != nil || !info.Mode().IsRegular() {
			notFound(w, name)
			return
		}
		w.Header().Set("Content-Type", ContentType(name))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", CacheControl(name))
		http.ServeContent(w, r, "", info.ModTime(), f)
	})
}

// toDirectory sends a browser on to a directory's page, to which what the page links to is relative. The way there is
// relative too, for a proxy may show the archive under another path.
func toDirectory(w http.ResponseWriter, root *os.Root, name string) {
	if info, err := root.Stat(path.Join(name, page.IndexFile)); err != nil || !info.Mode().IsRegular() {
		notFound(w, name)
		return
	}
	w.Header().Set("Location", (&url.URL{Path: "./" + path.Base(name) + "/"}).EscapedPath())
	w.WriteHeader(http.StatusMovedPermanently)
}

func notFound(w http.ResponseWriter, name string) {
	http.Error(w, fmt.Sprintf("%q is not in this archive", name), http.StatusNotFound)
}

// contentType goes by the name: sniffing would take a Packages for text and a .gz for an encoding.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".deb":
		return "application/vnd.debian.binary-package"
	case ".gz":
		return "application/gzip"
	case ".xz":
		return "application/x-xz"
	case ".zst":
		return "application/zstd"
	case ".gpg":
		if path.Base(name) == "Release.gpg" {
			return "application/pgp-signature"
		}
		return "application/pgp-keys"
	case ".asc":
		return "application/pgp-keys"
	case ".sources", ".dsc":
		return "text/plain; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	}
	if strings.HasPrefix(name, projectDir+"/trace/") {
		return "text/plain; charset=utf-8"
	}
	switch base := path.Base(name); {
	case slices.Contains([]string{"Release", "InRelease", "Packages", "Sources"}, base),
		strings.HasPrefix(base, "Contents-"), strings.HasPrefix(base, "Translation-"):
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}
