package registry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"kubedist/pkg/hint"
	"kubedist/pkg/ocilayout"
)

// wire is the lowest part of the way to registries: it keeps to TLS, bounds what is read into memory, and sees which
// blobs were mounted.
type wire struct {
	next      http.RoundTripper
	plainHTTP bool
	mounted   sync.Map // of REPOSITORY@DIGEST, all of it as in the URL
}

func newWire(o Options) (*wire, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificates %s: no certificate in PEM format", o.CAFile)
		}
		settings.RootCAs = pool
	}
	return &wire{plainHTTP: o.PlainHTTP, next: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       settings,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          100,
		MaxIdleConnsPerHost:   50,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		// A registry that stores a blob elsewhere answers when that is done: late, but not never.
		ResponseHeaderTimeout: 5 * time.Minute,
	}}, nil
}

// errPlainHTTP is refusing to talk to another host without TLS.
var errPlainHTTP = errors.New("not asked without TLS")

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !w.plainHTTP && !isLoopback(r.URL.Host) {
		return nil, hint.Errorf("give the registry a certificate, and with --ca-file its authority; or allow plain HTTP with --plain-http", "host %s: %w", r.URL.Host, errPlainHTTP)
	}
	answer, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if kindOf(r) == "manifests" {
		answer.Body = &bounded{ReadCloser: answer.Body, left: ocilayout.MaxDocument}
	}
	if digest := r.URL.Query().Get("mount"); digest != "" && r.Method == http.MethodPost && answer.StatusCode == http.StatusCreated {
		w.mounted.Store(mountKey(r.URL.Host, strings.TrimSuffix(r.URL.Path, "/blobs/uploads/"), digest), true)
	}
	return answer, nil
}

// kindOf tells what is asked for: "manifests", "blobs" with the uploads of such, or something else. Paths are /v2/NAME/KIND/
// and one component, for uploads two; a component of the name may be called as a kind is. What a registry has elsewhere is
// what it was asked for before it said so.
func kindOf(r *http.Request) string {
	for r.Response != nil && r.Response.Request != nil {
		r = r.Response.Request
	}
	dir := path.Dir(r.URL.Path) // of /v2/NAME/blobs/uploads/ it is all of that
	kind := path.Base(dir)
	if above := path.Base(path.Dir(dir)); kind == "uploads" && above == "blobs" {
		return above
	}
	return kind
}

// wasMounted tells whether the registry took a blob from another repository of its own.
func (w *wire) wasMounted(host, repository, digest string) bool {
	_, ok := w.mounted.Load(mountKey(host, "/v2/"+repository, digest))
	return ok
}

func mountKey(host, dir, digest string) string { return path.Join(host, dir) + "@" + digest }

// isLoopback tells whether a host, with or without a port, is this machine and nothing else.
func isLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// bounded is a body that ends with an error where it is longer than anybody has reason to make it.
type bounded struct {
	io.ReadCloser
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if len(p) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, fmt.Errorf("manifest larger than %d bytes", ocilayout.MaxDocument)
	}
	return n, err
}
