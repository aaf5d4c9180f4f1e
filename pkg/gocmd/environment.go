package gocmd

import (
	"slices"
	"strings"
)

// settings are the variables of the go command that are the user's to decide: how modules are fetched and trusted,
// and where caches lie. None of them changes what a build produces.
var settings = []string{
	"GOAUTH", "GOCACHE", "GOCACHEPROG", "GOINSECURE", "GOMODCACHE", "GONOPROXY", "GONOSUMDB", "GOPATH", "GOPRIVATE",
	"GOPROXY", "GOSUMDB", "GOTMPDIR", "GOVCS",
}

// inherited are the variables of the process that go, git and the C compiler need to reach the user's files and
// network. They are passed on as they are.
var inherited = []string{
	"HOME", "PATH", "TMPDIR", "USER", "LOGNAME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
	"SSL_CERT_DIR", "SSL_CERT_FILE", "NETRC",
	"GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_SSH", "GIT_SSH_COMMAND", "SSH_AUTH_SOCK",
	"DEVELOPER_DIR", "SDKROOT", // macOS
}

// deciding are the variables by which an environment could change what the go command builds (go help environment).
// None of them is passed on.
var deciding = []string{
	"AR", "CC", "CGO_CFLAGS", "CGO_CFLAGS_ALLOW", "CGO_CFLAGS_DISALLOW", "CGO_CPPFLAGS", "CGO_CPPFLAGS_ALLOW", "CGO_CPPFLAGS_DISALLOW",
	"CGO_CXXFLAGS", "CGO_CXXFLAGS_ALLOW", "CGO_CXXFLAGS_DISALLOW", "CGO_ENABLED", "CGO_FFLAGS", "CGO_FFLAGS_ALLOW", "CGO_FFLAGS_DISALLOW",
	"CGO_LDFLAGS", "CGO_LDFLAGS_ALLOW", "CGO_LDFLAGS_DISALLOW", "CXX", "FC", "GCCGO", "GO386", "GOAMD64", "GOARCH", "GOARM", "GOARM64",
	"GODEBUG", "GOEXPERIMENT", "GOFIPS140", "GOFLAGS", "GOMIPS", "GOMIPS64", "GOOS", "GOPPC64", "GORISCV64", "GOROOT", "GOTOOLCHAIN",
	"GOWASM", "GOWORK", "PKG_CONFIG",
}

// Ignored returns the names of the variables in environ, which has the form of os.Environ, that would change what the go
// command builds and that Run therefore does not pass on, sorted.
func Ignored(environ []string) []string {
	var names []string
	for _, name := range deciding {
		if value, ok := lookup(environ, name); ok && value != "" {
			names = append(names, name)
		}
	}
	return names
}

// undecided returns environ without the deciding variables: a wrong one, such as a GOEXPERIMENT of another release, keeps
// even go env from answering.
func undecided(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(deciding, name)
	})
}

// pinned builds the environment of a go command from the user's and the answers of go env. GOENV=off is what keeps
// the file of `go env -w` out: an empty variable would not, because go looks into that file for every empty one.
func pinned(environ []string, values map[string]string) []string {
	env := []string{"GOENV=off", "GO111MODULE=on", "GOFLAGS=", "GOWORK=off", "LC_ALL=C"}
	for _, name := range inherited {
		if value, ok := lookup(environ, name); ok {
			env = append(env, name+"="+value)
		}
	}
	for _, name := range settings {
		if value := values[name]; value != "" {
			env = append(env, name+"="+value)
		}
	}
	return override(env)
}

// lookup returns the value of a variable; the last entry of a name counts, as in os/exec.
func lookup(environ []string, name string) (string, bool) {
	for _, entry := range slices.Backward(environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// override returns environ sorted by name with extra on top, one entry for each name.
func override(environ []string, extra ...string) []string {
	last := make(map[string]string, len(environ)+len(extra))
	for _, list := range [][]string{environ, extra} {
		for _, entry := range list {
			name, _, _ := strings.Cut(entry, "=")
			last[name] = entry
		}
	}
	merged := make([]string, 0, len(last))
	for _, entry := range last {
		merged = append(merged, entry)
	}
	slices.Sort(merged)
	return merged
}
