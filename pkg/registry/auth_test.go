package registry

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
)

// writeFile writes a file below dir, with the directories that it needs.
func writeFile(t testing.TB, dir, at, content string, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(at))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return file
}

// auths is a file of credentials: the user of a key is as it says, KEY=USER.
func auths(pairs ...string) string {
	var all []string
	for _, pair := range pairs {
		key, user, _ := strings.Cut(pair, "=")
		all = append(all, fmt.Sprintf("%q: {\"auth\": %q}", key, base64.StdEncoding.EncodeToString([]byte(user+":secret"))))
	}
	return "{\"auths\": {" + strings.Join(all, ", ") + "}}"
}

// userOf is whose credentials are sent for a repository; "" is nobody's.
func userOf(t testing.TB, k *keychain, repository string) string {
	t.Helper()
	repo, err := name.NewRepository(repository)
	if err != nil {
		t.Fatal(err)
	}
	found, err := k.Resolve(repo)
	if err != nil {
		t.Fatal(err)
	}
	c, err := found.Authorization()
	if err != nil {
		t.Fatal(err)
	}
	return c.Username
}

// TestAuthFile looks up repositories in one file: the most specific path that is above them decides, and no other is sent.
func TestAuthFile(t *testing.T) {
	t.Parallel()
	file := writeFile(t, t.TempDir(), "auth.json", auths(
		"a.example.org/team=team", "a.example.org/team/one=one", "b.example.org=host", "b.example.org/team=team",
		"https://c.example.org/v1/=url", "http://c.example.org=plain", "d.example.org/team=d", "docker.io/team=hub path", "https://index.docker.io/v1/=hub",
	), 0o600)
	k, err := newKeychain(Options{AuthFile: file, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	for repository, want := range map[string]string{
		"a.example.org/team/one":      "one",
		"a.example.org/team/one/x":    "one",
		"a.example.org/team/two":      "team",
		"a.example.org/team":          "team",
		"a.example.org/teams":         "",
		"a.example.org/other":         "",
		"a.example.org:5000/team":     "",
		"b.example.org/other":         "host",
		"b.example.org/team/x":        "team",
		"c.example.org/x":             "url",
		"d.example.org/x":             "",
		"team/x":                      "hub path",
		"docker.io/other/x":           "hub",
		"e.example.org/a.example.org": "",
	} {
		if got := userOf(t, k, repository); got != want {
			t.Errorf("%s: credentials of %q, want those of %q", repository, got, want)
		}
	}
}

// TestUsualAuthFiles finds what docker and podman keep, by the same rules.
func TestUsualAuthFiles(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	writeFile(t, home, ".docker/config.json", auths("a.example.org/team=docker"), 0o600)
	writeFile(t, home, "run/containers/auth.json", auths("a.example.org/other=podman", "a.example.org/team=not this"), 0o600)
	writeFile(t, home, ".config/containers/auth.json", auths("a.example.org/kept=kept"), 0o600)
	writeFile(t, home, "elsewhere/config.json", auths("a.example.org/team=moved"), 0o600)
	environment := map[string]string{"HOME": home, "XDG_RUNTIME_DIR": filepath.Join(home, "run")}
	users := func(repositories ...string) string {
		k, err := newKeychain(Options{Getenv: func(key string) string { return environment[key] }})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, r := range repositories {
			all = append(all, userOf(t, k, r))
		}
		return strings.Join(all, ",")
	}
	if got := users("a.example.org/team/x", "a.example.org/other", "a.example.org/kept", "a.example.org/none"); got != "docker,podman,kept," {
		t.Errorf("got %s", got)
	}
	environment["DOCKER_CONFIG"] = filepath.Join(home, "elsewhere")
	if got := users("a.example.org/team/x"); got != "moved" {
		t.Errorf("DOCKER_CONFIG is not asked: %s", got)
	}
	environment["DOCKER_AUTH_CONFIG"] = auths("a.example.org/team=variable")
	if got := users("a.example.org/team/x", "a.example.org/other"); got != "variable,podman" {
		t.Errorf("with DOCKER_AUTH_CONFIG: %s", got)
	}
	named := writeFile(t, home, "named.json", auths("a.example.org/team=named"), 0o600)
	k, err := newKeychain(Options{AuthFile: named, Getenv: func(key string) string { return environment[key] }})
	if err != nil {
		t.Fatal(err)
	}
	if got := userOf(t, k, "a.example.org/team/x"); got != "named" {
		t.Errorf("DOCKER_AUTH_CONFIG goes before a file that was named: %s", got)
	}
	environment = nil
	if got := users("a.example.org/team/x"); got != "" {
		t.Errorf("without an environment: %s", got)
	}
}

// TestOutOfReach has usual files in places that are another user's, or below what is no directory: they are as good as not
// there. A file that was named has to be.
func TestOutOfReach(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	file := writeFile(t, home, "file", "", 0o600)
	writeFile(t, home, ".docker/config.json", auths("a.example.org=docker"), 0o600)
	closed := filepath.Dir(writeFile(t, home, "run/containers/auth.json", auths("b.example.org=podman"), 0o600))
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(closed, 0o700) })
	podman := "" // may not be looked into
	if os.Getuid() == 0 {
		podman = "podman" // root may
	}
	for name, c := range map[string]struct {
		environment map[string]string
		a, b        string
	}{
		"runtime directory of another": {map[string]string{"HOME": home, "XDG_RUNTIME_DIR": filepath.Dir(closed)}, "docker", podman},
		"home no directory":            {map[string]string{"HOME": file, "XDG_RUNTIME_DIR": file}, "", ""},
		"device for a home":            {map[string]string{"HOME": os.DevNull, "XDG_RUNTIME_DIR": home}, "", ""},
	} {
		k, err := newKeychain(Options{Getenv: func(key string) string { return c.environment[key] }})
		if err != nil {
			t.Fatal(err)
		}
		if a, b := userOf(t, k, "a.example.org/x"), userOf(t, k, "b.example.org/x"); a != c.a || b != c.b {
			t.Errorf("%s: credentials of %q and %q, want those of %q and %q", name, a, b, c.a, c.b)
		}
	}
	if _, err := newKeychain(Options{AuthFile: filepath.Join(file, "auth.json")}); err == nil {
		t.Error("a file that was named and cannot be opened is no error")
	}
	for err, want := range map[error]bool{
		syscall.EACCES: true, syscall.EPERM: true, syscall.ENOTDIR: true, syscall.ENOENT: true, syscall.EIO: false, syscall.EMFILE: false,
	} {
		if got := isOutOfReach(&fs.PathError{Op: "open", Path: "auth.json", Err: err}); got != want {
			t.Errorf("%v: taken for out of reach: %t", err, got)
		}
	}
}

// TestHelpers asks the programs that keep credentials for hosts, never for paths.
func TestHelpers(t *testing.T) {
	dir := t.TempDir()
	asked := filepath.Join(dir, "asked")
	writeFile(t, dir, "docker-credential-test", `#!/bin/sh
read -r host
echo "$host" >> '`+asked+`'
case $host in
a.example.org) echo '{"ServerURL": "a.example.org", "Username": "helper", "Secret": "secret"}' ;;
https://index.docker.io/v1/) echo '{"ServerURL": "https://index.docker.io/v1/", "Username": "hub", "Secret": "secret"}' ;;
*) echo 'credentials not found in native keychain'; exit 1 ;;
esac
`, 0o755)
	// The environment of the process is not the one that is given.
	t.Setenv("DOCKER_AUTH_CONFIG", auths("a.example.org=variable", "b.example.org=variable", "c.example.org=variable"))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	text := strings.TrimSuffix(auths("a.example.org/team=team", "b.example.org=host"), "}") + `, "credHelpers": {"a.example.org": "test", "b.example.org": "test", "https://index.docker.io/v1/": "test"}}`
	k, err := newKeychain(Options{AuthFile: writeFile(t, dir, "auth.json", text, 0o600), Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	for repository, want := range map[string]string{
		"a.example.org/team/x": "team", "a.example.org/other": "helper", "b.example.org/x": "host", "c.example.org/x": "", "docker.io/team/x": "hub",
	} {
		if got := userOf(t, k, repository); got != want {
			t.Errorf("%s: credentials of %q, want those of %q", repository, got, want)
		}
	}
	hosts, err := os.ReadFile(asked)
	if err != nil {
		t.Fatal(err)
	}
	for host := range strings.Lines(string(hosts)) {
		if host != "a.example.org\n" && host != "b.example.org\n" && host != "https://index.docker.io/v1/\n" {
			t.Errorf("the helper was asked for %q", host)
		}
	}

	// One helper for all hosts but those that have another.
	k, err = newKeychain(Options{AuthFile: writeFile(t, dir, "store.json", `{"credsStore": "test", "credHelpers": {"b.example.org": ""}}`, 0o600), Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	for repository, want := range map[string]string{"a.example.org/x": "helper", "b.example.org/x": "", "docker.io/team/x": "hub"} {
		if got := userOf(t, k, repository); got != want {
			t.Errorf("%s: credentials of %q in the store, want those of %q", repository, got, want)
		}
	}
}

// TestMalformedVariable has an error that does not tell what may be a password.
func TestMalformedVariable(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"hunter2", `{"auths": {"a.example.org": {"auth": "hunter2"}}}`, `{"auths": "hunter2"}`} {
		k, err := newKeychain(Options{Getenv: func(key string) string {
			if key == "DOCKER_AUTH_CONFIG" {
				return content
			}
			return ""
		}})
		if err != nil {
			t.Fatal(err)
		}
		repo, err := name.NewRepository("a.example.org/x")
		if err != nil {
			t.Fatal(err)
		}
		const want = "credentials for a.example.org: credentials in DOCKER_AUTH_CONFIG: not in the format of containers-auth.json(5)"
		if _, err := k.Resolve(repo); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", content, err, want)
		}
	}
}
