package registry

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
)

// Login are a name and a password for one registry.
type Login struct {
	Registry string // host, with its port where it has one
	Username string
	Password string
}

// keychain finds credentials: those given for one registry, then those of the file that was named, then those that docker
// and podman keep, by themselves or in credential helpers.
type keychain struct {
	login *Login
	file  *configfile.ConfigFile
}

func newKeychain(o Options) (*keychain, error) {
	k := &keychain{login: o.Login}
	if o.AuthFile == "" {
		return k, nil
	}
	f, err := os.Open(o.AuthFile)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	defer f.Close()
	if k.file, err = config.LoadFromReader(f); err != nil {
		// The parser's words may quote the file, and with it a password.
		return nil, fmt.Errorf("credentials %s: not in the format of containers-auth.json(5)", o.AuthFile)
	}
	return k, nil
}

// Resolve implements authn.Keychain.
func (k *keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), target)
}

// ResolveContext implements authn.ContextKeychain.
func (k *keychain) ResolveContext(ctx context.Context, target authn.Resource) (authn.Authenticator, error) {
	if k.login != nil && sameRegistry(k.login.Registry, target.RegistryStr()) {
		return authn.FromConfig(authn.AuthConfig{Username: k.login.Username, Password: k.login.Password}), nil
	}
	if k.file != nil {
		found, err := k.inFile(target)
		if err != nil || found != authn.Anonymous {
			return found, err
		}
	}
	found, err := authn.Resolve(ctx, authn.DefaultKeychain, target)
	if err != nil {
		return nil, fmt.Errorf("credentials for %s: %w", target.RegistryStr(), err)
	}
	return found, nil
}

// inFile looks up the repository, then each path above it, then the registry, as containers-auth.json(5) has it.
func (k *keychain) inFile(target authn.Resource) (authn.Authenticator, error) {
	keys := []string{target.String()}
	for at := target.String(); ; {
		i := strings.LastIndexByte(at, '/')
		if i < 0 {
			break
		}
		at = at[:i]
		keys = append(keys, at)
	}
	if isDockerHub(target.RegistryStr()) {
		keys = append(keys, "docker.io", authn.DefaultAuthKey)
	}
	for _, key := range keys {
		c, err := k.file.GetAuthConfig(key)
		if err != nil {
			return nil, fmt.Errorf("credentials for %s: %w", key, err)
		}
		c.ServerAddress = ""
		if c != (types.AuthConfig{}) {
			return authn.FromConfig(authn.AuthConfig{
				Username: c.Username, Password: c.Password, Auth: c.Auth, IdentityToken: c.IdentityToken, RegistryToken: c.RegistryToken,
			}), nil
		}
	}
	return authn.Anonymous, nil
}

// has tells whether there are any credentials for a registry or repository.
func (k *keychain) has(target authn.Resource) bool {
	found, err := k.Resolve(target)
	return err == nil && found != authn.Anonymous
}

func sameRegistry(a, b string) bool { return a == b || isDockerHub(a) && isDockerHub(b) }

func isDockerHub(host string) bool { return host == "docker.io" || host == "index.docker.io" }
