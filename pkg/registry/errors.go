package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"kubedist/pkg/hint"
	"kubedist/pkg/ocilayout"
)

// TagTakenError is a tag that exists and points at something else than what was to be pushed.
type TagTakenError struct {
	Tag       string
	Has, Want v1.Hash
}

func (e *TagTakenError) Error() string {
	return fmt.Sprintf("tag %s: points at %s already, not at %s", e.Tag, e.Has, e.Want)
}

// UnknownImageError is a name in [PushOptions].Images that no image of the layout has.
type UnknownImageError struct{ Image, Layout string }

func (e *UnknownImageError) Error() string {
	return fmt.Sprintf("image %s: not in %s", e.Image, e.Layout)
}

// target is a name in a registry: a reference or a repository.
type target interface {
	fmt.Stringer
	Context() name.Repository
}

// again is what helps when something may pass.
const again = "run the same command again: what is finished is not done twice"

// damaged is what helps when what came is not what was asked for.
const damaged = "fetch it again; if it stays so, the registry is damaged, or something on the way changes what it sends"

// explain words an error of the library: first which registry or reference it is about, and with it what helps.
func (c *Client) explain(err error, about target) error {
	host := about.Context().RegistryStr()
	var answer *transport.Error
	var digest *ocilayout.BlobError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", about, err)
	case errors.As(err, &digest):
		return hint.Errorf("make the images again; nothing of this one was tagged", "%s: %w", about, digest)
	case isTLS(err): // before all that was tried without TLS when this failed
		return hint.Errorf("name the file of the authority that signed its certificate with --ca-file", "registry %s: certificate not trusted: %w", host, tlsCause(err))
	case errors.Is(err, errPlainHTTP):
		return fmt.Errorf("registry %s: %w", host, hint.With(errPlainHTTP, hint.Of(err)))
	case errors.As(err, &answer):
		return c.explainAnswer(err, answer, about)
	case errors.Is(err, http.ErrSchemeMismatch) || isHTTPAnswer(err):
		return hint.Errorf("allow it with --plain-http", "registry %s: speaks plain HTTP, not TLS", host)
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return hint.Errorf("see whether it runs, and whether its name and port are right", "registry %s: not reachable: %w", host, op)
	}
	return hint.Errorf(again, "%s: %w", about, err)
}

// explainAnswer words an error that the registry itself answered.
func (c *Client) explainAnswer(err error, answer *transport.Error, about target) error {
	repo := about.Context()
	host := repo.RegistryStr()
	switch code := answer.StatusCode; {
	case code == http.StatusUnauthorized && c.keychain.has(repo):
		return hint.Errorf("log in anew, with podman login or docker login, or with --username and --password-stdin", "credentials for %s: refused for %s: %w", host, about, err)
	case code == http.StatusUnauthorized:
		return hint.Errorf("log in with podman login or docker login, or use --username and --password-stdin", "credentials for %s: none found, and it wants some for %s: %w", host, about, err)
	case code == http.StatusForbidden:
		return hint.Errorf("see which repositories these credentials may read, and which they may write to", "access to %s: denied: %w", about, err)
	case code == http.StatusNotFound && asked(answer, "manifests") && answer.Request.Method != http.MethodPut:
		return hint.Errorf("see whether name and tag are right, and whether it was pushed", "image %s: not in the registry: %w", about, err)
	case code == http.StatusNotFound && !asked(answer, "blobs") && !asked(answer, "manifests"):
		return hint.Errorf("see whether its name and port are right", "registry %s: speaks no registry protocol: %w", host, err)
	case code == http.StatusNotFound:
		return hint.Errorf("create the repository first, if this registry makes none by itself", "repository %s: unknown: %w", repo, err)
	case code == http.StatusTooManyRequests:
		return hint.Errorf("wait, then run the same command again, with fewer --jobs: what is finished is not done twice", "registry %s: too many requests: %w", host, err)
	case code >= http.StatusInternalServerError:
		return hint.Errorf(again, "registry %s: has trouble: %w", host, err)
	case code == http.StatusMethodNotAllowed:
		return hint.Errorf("push to one that is no mirror or cache", "registry %s: takes no writes: %w", host, err)
	}
	return fmt.Errorf("%s: %w", about, err)
}

// asked tells whether an answer is to a request for something of a kind, which [kindOf] has.
func asked(answer *transport.Error, kind string) bool {
	return answer.Request != nil && kindOf(answer.Request) == kind
}

// isDenied tells whether credentials were refused, or asked for.
func isDenied(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden)
}

func isHTTPAnswer(err error) bool {
	var header tls.RecordHeaderError
	return errors.As(err, &header)
}

func isTLS(err error) bool { return tlsCause(err) != nil }

// tlsCause finds why a certificate was not trusted.
func tlsCause(err error) error {
	var untrusted *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var other x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &untrusted):
		return untrusted.Err
	case errors.As(err, &authority):
		return authority
	case errors.As(err, &other):
		return other
	case errors.As(err, &invalid):
		return invalid
	}
	return nil
}
