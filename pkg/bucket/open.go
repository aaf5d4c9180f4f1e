package bucket

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"gocloud.dev/blob"

	"kubedist/pkg/hint"
)

// Bucket is where an archive is pushed to.
type Bucket struct {
	store store
	name  string
}

// Open opens a bucket by its URL; the path is where in it the archive's root lies:
//
//	s3://BUCKET/PATH?region=REGION&endpoint=URL&use_path_style=true
//	gs://BUCKET/PATH
//	file:///DIRECTORY
//
// The parameters are those of gocloud.dev's s3blob and gcsblob. Credentials are those that the providers' own tools use:
// AWS_ACCESS_KEY_ID, ~/.aws and so on for s3, application default credentials for gs. Nothing is written, and most often
// nothing is read yet. [Bucket.Close] must follow.
func Open(ctx context.Context, address string) (*Bucket, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("bucket: %w", err)
	}
	name := (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	s, err := open(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", name, err)
	}
	return &Bucket{store: s, name: name}, nil
}

// String is the bucket's URL without its parameters.
func (b *Bucket) String() string { return b.name }

// Close gives up connections.
func (b *Bucket) Close() error { return b.store.close() }

func open(ctx context.Context, u *url.URL) (store, error) {
	if u.Scheme == "file" {
		if u.Host != "" || u.Path == "" || u.RawQuery != "" {
			return nil, hint.Errorf("write it as file:///srv/www/apt", "not the path of a directory")
		}
		return newDirectory(filepath.FromSlash(u.Path)), nil
	}
	prefix := strings.TrimPrefix(path.Clean("/"+u.Path), "/")
	if prefix != "" {
		prefix += "/"
	}
	at := &url.URL{Scheme: u.Scheme, Host: u.Host, RawQuery: u.RawQuery}
	if u.Host == "" {
		return nil, hint.Errorf("write it as s3://BUCKET, gs://BUCKET or file:///DIRECTORY", "no bucket is named")
	}
	var b *blob.Bucket
	var p provider
	var err error
	switch u.Scheme {
	case "s3":
		b, p, err = openS3(ctx, at, prefix)
	case "gs":
		b, p, err = openGCS(ctx, at)
	default:
		return nil, hint.Errorf("write it as s3://BUCKET, gs://BUCKET or file:///DIRECTORY", "scheme %q is none of s3, gs and file", u.Scheme)
	}
	if err != nil {
		return nil, err
	}
	if prefix != "" {
		b = blob.PrefixedBucket(b, prefix)
	}
	return &cloud{bucket: b, provider: p}, nil
}
