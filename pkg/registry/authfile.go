package registry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/credentials"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
)

// authFile holds credentials in the format of containers-auth.json(5), which is docker's, with paths beside hosts.
type authFile struct {
	name    string                      // for errors: a file, or where else it comes from
	auths   map[string]types.AuthConfig // by HOST or HOST/PATH; the URLs that docker writes are hosts
	helpers *configfile.ConfigFile      // has no credentials of its own, only names of programs that do
}

func openAuthFile(name string) (*authFile, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	defer f.Close()
	return readAuthFile(name, f)
}

func readAuthFile(name string, r io.Reader) (*authFile, error) {
	parsed, err := config.LoadFromReader(r)
	if err != nil {
		// The parser's words may quote the file, and with it a password.
		return nil, fmt.Errorf("credentials %s: not in the format of containers-auth.json(5)", name)
	}
	a := &authFile{name: name, auths: map[string]types.AuthConfig{}, helpers: configfile.New("")}
	a.helpers.CredentialsStore, a.helpers.CredentialHelpers = parsed.CredentialsStore, parsed.CredentialHelpers
	for _, key := range slices.Sorted(maps.Keys(parsed.AuthConfigs)) { // https after http
		if host, ok := hostOfURL(key); ok {
			a.auths[host] = parsed.AuthConfigs[key]
		}
	}
	maps.Copy(a.auths, parsed.AuthConfigs)
	return a, nil
}

// hostOfURL is the host of a key as docker writes some: https://index.docker.io/v1/, of the version of the protocol. They
// are for all of the host; other paths in URLs mean nothing to anybody.
func hostOfURL(key string) (string, bool) {
	_, rest, ok := strings.Cut(key, "://")
	_, path, _ := strings.Cut(rest, "/")
	if path = strings.TrimSuffix(path, "/"); !ok || path != "" && path != "v1" && path != "v2" {
		return "", false
	}
	return credentials.ConvertToHostname(key), true
}

// find looks up the repository, then each path above it, then the host. Keys are taken by the letter: credentials of one
// path are never sent for another. Programs that keep credentials know hosts alone.
func (a *authFile) find(target authn.Resource) (authn.Authenticator, error) {
	hosts := []string{target.RegistryStr()}
	if isDockerHub(hosts[0]) {
		hosts = []string{"docker.io", "index.docker.io"}
	}
	for at := strings.TrimPrefix(target.String(), target.RegistryStr()); at != ""; at = at[:strings.LastIndexByte(at, '/')] {
		for _, host := range hosts {
			if found := authenticator(a.auths[host+at]); found != nil {
				return found, nil
			}
		}
	}
	c, err := a.ask(hosts[0])
	if err != nil {
		return nil, fmt.Errorf("credentials %s: helper for %s: %w", a.name, hosts[0], err)
	}
	if found := authenticator(c); found != nil {
		return found, nil
	}
	for _, host := range hosts {
		if found := authenticator(a.auths[host]); found != nil {
			return found, nil
		}
	}
	return authn.Anonymous, nil
}

// ask gets the credentials for a host from the program that keeps them, if there is one. GetAuthConfig of the library would
// put DOCKER_AUTH_CONFIG of the process before it.
func (a *authFile) ask(host string) (types.AuthConfig, error) {
	if isDockerHub(host) {
		host = "https://index.docker.io/v1/" // what docker login gives to helpers, and writes into credHelpers
	}
	helper, ok := a.helpers.CredentialHelpers[host]
	if !ok {
		helper = a.helpers.CredentialsStore
	}
	if helper == "" {
		return types.AuthConfig{}, nil
	}
	return credentials.NewNativeStore(a.helpers, helper).Get(host)
}

// authenticator is nil of credentials that say nothing.
func authenticator(c types.AuthConfig) authn.Authenticator {
	c.ServerAddress = "" // the key, or what a helper calls it
	if c == (types.AuthConfig{}) {
		return nil
	}
	return authn.FromConfig(authn.AuthConfig{
		Username: c.Username, Password: c.Password, Auth: c.Auth, IdentityToken: c.IdentityToken, RegistryToken: c.RegistryToken,
	})
}

// usualAuthFiles opens what docker login and podman login write, the latter as containers-auth.json(5) has it. Before them
// goes DOCKER_AUTH_CONFIG, which docker reads, too: it is not the name of a file but has the content of one, as on runners of
// GitLab.
func usualAuthFiles(getenv func(string) string) ([]*authFile, error) {
	home, configs := getenv("HOME"), getenv("XDG_CONFIG_HOME")
	if configs == "" && home != "" {
		configs = filepath.Join(home, ".config")
	}
	docker := getenv("DOCKER_CONFIG")
	if docker == "" && home != "" {
		docker = filepath.Join(home, ".docker")
	}
	podman := fmt.Sprintf("/run/containers/%d", os.Getuid())
	if dir := getenv("XDG_RUNTIME_DIR"); dir != "" {
		podman = filepath.Join(dir, "containers")
	}
	var all []*authFile
	if content := getenv("DOCKER_AUTH_CONFIG"); content != "" {
		f, err := readAuthFile("in DOCKER_AUTH_CONFIG", strings.NewReader(content))
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	for _, at := range [][2]string{{docker, "config.json"}, {podman, "auth.json"}, {configs, "containers/auth.json"}} {
		if at[0] == "" {
			continue
		}
		f, err := openAuthFile(filepath.Join(at[0], filepath.FromSlash(at[1])))
		if isOutOfReach(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// isOutOfReach tells whether nobody who logged in as this user can have written a file: there is none, it or a directory
// above it is another's (/run/containers is root's alone once root has run podman), or above it is no directory, as with a
// HOME of /dev/null.
func isOutOfReach(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR)
}
