package gocmd

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"kubedist/pkg/hint"
)

// Error is a go command that failed.
type Error struct {
	// Command is the subcommand, such as "mod download".
	Command string
	// Stderr is what it wrote, without go's lines about downloads; at most 64 KiB, the middle left out.
	Stderr string
	// Err is why the process ended.
	Err error
}

// Error gives go's own words, and the exit status only when there are none.
func (e *Error) Error() string {
	if e.Stderr == "" {
		return "go " + e.Command + ": " + e.Err.Error()
	}
	separator := " "
	if strings.Contains(e.Stderr, "\n") {
		separator = "\n"
	}
	return "go " + e.Command + ":" + separator + e.Stderr
}

func (e *Error) Unwrap() error { return e.Err }

// explain makes the error of a command, with a hint where Hint knows one.
func explain(c Command, stderr string, err error) error {
	e := &Error{Command: c.name(), Stderr: words(stderr), Err: err}
	next := Hint(e.Stderr)
	switch {
	case next != "":
	case errors.Is(err, syscall.ENOSPC):
		next = hintSpace
	case errors.Is(err, fs.ErrNotExist):
		next = "check that the go command and " + c.Dir + " exist"
	}
	if next == "" {
		return e
	}
	return hint.With(e, next)
}

// words drops the lines that go writes about its progress and the "go: " before the others.
func words(stderr string) string {
	var kept []string
	for line := range strings.Lines(stderr) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, "go: downloading ") || strings.HasPrefix(line, "go: finding ") {
			continue
		}
		kept = append(kept, strings.TrimPrefix(line, "go: "))
	}
	return strings.TrimSpace(strings.Join(kept, "\n"))
}

const (
	hintSpace   = "free space on the disk, or move the caches with KUBEDIST_CACHE, GOCACHE, GOMODCACHE and TMPDIR"
	hintNetwork = "check the network, GOPROXY and HTTPS_PROXY; --source DIR works from a tree on disk"
)

// failures are what go says when something outside the source is wrong, and what helps. The first match counts, so
// the causes stand before their consequences.
var failures = []struct {
	says []string
	next string
}{
	{[]string{"SECURITY ERROR", "checksum mismatch", "no verifiable signatures"},
		"do not build this: a module differs from what the checksum database or an earlier download recorded; if the download is damaged, `go clean -modcache` fetches it again"},
	{[]string{"no space left on device", "disk quota exceeded"}, hintSpace},
	{[]string{"GOTOOLCHAIN=local)"},
		"install the Go release that is named, or leave out --toolchain local so that it is fetched"},
	{[]string{"toolchain not available", "cannot find \"go1", "golang.org/toolchain", "invalid GOTOOLCHAIN"},
		"--toolchain local builds with the installed Go; the binaries then differ from the official ones"},
	{[]string{"disabled by GOPROXY=off", "GOPROXY list is not the empty string"},
		"set GOPROXY (go env -w GOPROXY=...), or use a tree on disk with --source DIR"},
	{[]string{
		"no such host", "connection refused", "connection reset", "network is unreachable", "no route to host", "i/o timeout",
		"TLS handshake timeout", "server misbehaving", "proxyconnect", "Bad Gateway", "Service Unavailable", "Gateway Timeout",
	}, hintNetwork},
	{[]string{"certificate signed by unknown authority", "certificate has expired"},
		"check SSL_CERT_FILE and the clock; a proxy that inspects TLS needs its certificate there"},
	{[]string{"407 Proxy Authentication", "401 Unauthorized", "403 Forbidden", "404 Not Found", "410 Gone"},
		"check module and version, GOPROXY, and the credentials for it (GOAUTH, .netrc)"},
	{[]string{"inconsistent vendoring"},
		"the tree's vendor directory does not match its go.mod: run `go work vendor` in it, or remove vendor/"},
}

// Hint returns what helps against a failure of the go command, given its words, or "" for one that is not known.
func Hint(said string) string {
	for _, failure := range failures {
		for _, says := range failure.says {
			if strings.Contains(said, says) {
				return failure.next
			}
		}
	}
	return ""
}
