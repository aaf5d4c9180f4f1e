package registry

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
)

// Login are a name and a password for one registry.
type Login struct {
	Registry string // host, with its port where it has one
	Username string
	Password string
}

// keychain finds credentials: those given for one registry, then those of the file that was named, then those of
// DOCKER_AUTH_CONFIG, then those that docker and podman keep, by themselves or in credential helpers.
type keychain struct {
	login *Login
	file  *authFile
	usual func() ([]*authFile, error) // opens them once, when they are needed
}

func newKeychain(o Options) (*keychain, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	k := &keychain{login: o.Login, usual: sync.OnceValues(func() ([]*authFile, error) { return usualAuthFiles(o.Getenv) })}
	if o.AuthFile == "" {
		return k, nil
	}
	var err error
	k.file, err = openAuthFile(o.AuthFile)
	return k, err
}

// Resolve implements authn.Keychain.
func (k *keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), target)
}

// ResolveContext implements authn.ContextKeychain.
func (k *keychain) ResolveContext(_ context.Context, target authn.Resource) (authn.Authenticator, error) {
	if k.login != nil && sameRegistry(k.login.Registry, target.RegistryStr()) {
		return authn.FromConfig(authn.AuthConfig{Username: k.login.Username, Password: k.login.Password}), nil
	}
	if k.file != nil {
		if found, err := k.file.find(target); err != nil || found != authn.Anonymous {
			return found, err
		}
	}
	files, err := k.usual()
	if err != nil {
		return nil, fmt.Errorf("credentials for %s: %w", target.RegistryStr(), err)
	}
	for _, f := range files {
		if found, err := f.find(target); err != nil || found != authn.Anonymous {
			return found, err
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
