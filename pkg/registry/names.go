package registry

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"kubedist/pkg/hint"
)

// Reference reads REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@DIGEST. Without a registry it is one of Docker Hub, as
// everywhere; without a tag it is refused.
func (c *Client) Reference(s string) (name.Reference, error) {
	if strings.Contains(s, "@sha256:") {
		return parse(c, s, func(o ...name.Option) (name.Digest, error) { return name.NewDigest(s, o...) })
	}
	return c.Tag(s)
}

// Tag reads REGISTRY/REPOSITORY:TAG.
func (c *Client) Tag(s string) (name.Tag, error) {
	return parse(c, s, func(o ...name.Option) (name.Tag, error) {
		t, err := name.NewTag(s, append(o, name.WithDefaultTag(""))...)
		if err == nil && t.TagStr() == "" {
			err = hint.Errorf("write NAME:TAG", "no tag")
		}
		return t, err
	})
}

// Repository reads REGISTRY/REPOSITORY.
func (c *Client) Repository(s string) (name.Repository, error) {
	return parse(c, s, func(o ...name.Option) (name.Repository, error) { return name.NewRepository(s, o...) })
}

// inRegistry is what all names have in common.
type inRegistry interface {
	comparable
	RegistryStr() string
}

// parse reads a name twice where need be: whether its host may be talked to without TLS is part of it.
func parse[T inRegistry](c *Client, s string, read func(...name.Option) (T, error)) (T, error) {
	var none T
	if err := checkHost(s); err != nil {
		return none, err
	}
	parsed, err := read()
	if err == nil && (c.plainHTTP || isLoopback(parsed.RegistryStr())) {
		parsed, err = read(name.Insecure)
	}
	if err != nil {
		return none, fmt.Errorf("reference %s: %w", s, plainName(err))
	}
	return parsed, nil
}

// plainName leaves out what the library says before its error.
func plainName(err error) error {
	var bad *name.ErrBadName
	if errors.As(err, &bad) {
		return errors.New(strings.TrimPrefix(bad.Error(), "could not parse reference: "))
	}
	return err
}

// checkHost refuses what people put before the host of a registry. It never repeats what may be a password.
func checkHost(s string) error {
	if i := strings.IndexByte(s, '@'); i >= 0 && !strings.HasPrefix(s[i:], "@sha256:") {
		return hint.Errorf("log in with podman login or docker login, or use --username and --password-stdin", "reference with credentials in it: not taken")
	}
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		return hint.Errorf("write "+rest, "reference %s: begins with %s://", s, scheme)
	}
	return nil
}

// Destination is where images are pushed to: a registry, and a path in it that goes before their own.
type Destination struct {
	client *Client
	base   string
}

// Destination reads HOST[:PORT][/PREFIX].
func (c *Client) Destination(s string) (Destination, error) {
	s = strings.TrimSuffix(s, "/")
	if err := checkHost(s); err != nil {
		return Destination{}, err
	}
	host, _, _ := strings.Cut(s, "/")
	if host != "localhost" && !strings.ContainsAny(host, ".:") {
		return Destination{}, hint.Errorf("write HOST[:PORT][/PREFIX]; Docker Hub is docker.io/NAME", "registry %q: %q is no host", s, host)
	}
	if _, err := c.Repository(s + "/x"); err != nil {
		return Destination{}, err
	}
	return Destination{c, s}, nil
}

func (d Destination) String() string { return d.base }

// tag is where an image of a repository goes.
func (d Destination) tag(repository, tag string) (name.Tag, error) {
	return d.client.Tag(path.Join(d.base, repository) + ":" + tag)
}
