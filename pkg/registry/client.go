package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"kubedist/pkg/hint"
	"kubedist/pkg/ocilayout"
)

// Options say how registries are talked to.
type Options struct {
	// Jobs is the number of requests at once; 0 means 4.
	Jobs int
	// PlainHTTP allows http without TLS to hosts other than this one.
	PlainHTTP bool
	// CAFile holds PEM certificates of authorities to trust beside those of the system.
	CAFile string
	// AuthFile is a file of credentials in the format of containers-auth.json(5), which goes before the usual ones.
	AuthFile string
	// Login are credentials for one registry, which go before all others.
	Login *Login
	// Getenv is the environment, which has credentials, or says where docker and podman keep them; nil for the process's own.
	// Credential helpers have the environment of the process.
	Getenv func(string) string
	// UserAgent is what registries see in their logs.
	UserAgent string
	// Backoff says how often and after which waits requests are repeated that failed for a reason that may pass: 429, 5xx
	// or a lost connection. The zero value means the library's own: three times, after one and three seconds.
	Backoff remote.Backoff
}

// Client talks to registries. It is safe for concurrent use.
type Client struct {
	plainHTTP bool
	jobs      int
	keychain  *keychain
	wire      *wire
	pusher    *remote.Pusher
	puller    *remote.Puller
}

// New returns a client. Nothing is asked of any registry yet; errors are those of files that o names.
func New(o Options) (*Client, error) {
	w, err := newWire(o)
	if err != nil {
		return nil, err
	}
	keys, err := newKeychain(o)
	if err != nil {
		return nil, err
	}
	if o.Jobs <= 0 {
		o.Jobs = 4
	}
	settings := []remote.Option{remote.WithTransport(w), remote.WithAuthFromKeychain(keys), remote.WithJobs(o.Jobs), remote.WithUserAgent(o.UserAgent)}
	if o.Backoff.Steps > 0 {
		settings = append(settings, remote.WithRetryBackoff(o.Backoff))
	}
	c := &Client{plainHTTP: o.PlainHTTP, jobs: o.Jobs, keychain: keys, wire: w}
	if c.pusher, err = remote.NewPusher(settings...); err != nil {
		return nil, err
	}
	c.puller, err = remote.NewPuller(settings...)
	return c, err
}

// Head says what a reference points at: its digest, size and media type. Without such a manifest the error is one that
// [IsNotFound] knows.
func (c *Client) Head(ctx context.Context, ref name.Reference) (v1.Descriptor, error) {
	d, err := c.puller.Head(ctx, ref)
	if err == nil {
		return *d, nil
	}
	if isNotFound(err) || ctx.Err() != nil {
		return v1.Descriptor{}, c.explain(err, ref)
	}
	// An answer to HEAD has no words for what is wrong, and some registries leave out the digest, too.
	got, _, err := c.Get(ctx, ref)
	return got, err
}

// Get reads the manifest or index that a reference points at. Its digest is that of the bytes that came, and the one that
// was asked for, if one was: others are an error that wraps [ocilayout.ErrDamaged].
func (c *Client) Get(ctx context.Context, ref name.Reference) (v1.Descriptor, []byte, error) {
	got, err := c.puller.Get(ctx, ref)
	if err != nil {
		return v1.Descriptor{}, nil, c.explain(err, ref)
	}
	// The library takes the digest of what is called a signed manifest of schema 1 from a header.
	digest, size, err := v1.SHA256(bytes.NewReader(got.Manifest))
	if err != nil {
		return v1.Descriptor{}, nil, err
	}
	if asked, ok := ref.(name.Digest); ok && asked.DigestStr() != digest.String() {
		return v1.Descriptor{}, nil, hint.Errorf(damaged, "manifest %s: content has the digest %s: %w", ref, digest, ocilayout.ErrDamaged)
	}
	return v1.Descriptor{Digest: digest, Size: size, MediaType: got.MediaType}, got.Manifest, nil
}

// Config reads the configuration of an image, which must be no larger than a manifest may be.
func (c *Client) Config(ctx context.Context, repo name.Repository, d v1.Descriptor) (*v1.ConfigFile, error) {
	ref := repo.Digest(d.Digest.String())
	if d.Size > ocilayout.MaxDocument {
		return nil, fmt.Errorf("configuration %s: %d bytes, more than %d", ref, d.Size, ocilayout.MaxDocument)
	}
	body, err := c.Blob(ctx, repo, d)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	config, err := ocilayout.ParseConfig(data)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", ref, err)
	}
	return config, nil
}

// IsNotFound tells whether an error is a registry's word that there is no such manifest or repository. Credentials that
// it refuses, or not reaching it, are other errors.
func IsNotFound(err error) bool { return isNotFound(err) }

func isNotFound(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound && asked(answer, "manifests")
}
