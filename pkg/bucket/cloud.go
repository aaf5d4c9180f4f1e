package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// The bounds of memory per upload: parts of this size, so many at once.
const (
	partSize        = 8 << 20
	partConcurrency = 2
)

// metaSHA256 is the name under which an object carries its digest, and by which it shows that it was pushed.
const metaSHA256 = "sha256"

// cloud is a store behind gocloud.dev/blob. What that package has no words for is in its provider.
type cloud struct {
	bucket   *blob.Bucket
	provider provider
}

// provider knows how one kind of store names versions and makes writes depend on them.
type provider interface {
	// condition makes a write replace the version, or nothing when version is "".
	condition(as func(any) bool, version string) error
	// listed and attributes give an object's version.
	listed(*blob.ListObject) string
	attributes(*blob.Attributes) string
	// conflict tells that an error means that another write came first.
	conflict(bucket *blob.Bucket, err error) bool
	tidy(ctx context.Context, bucket *blob.Bucket) error
}

func (c *cloud) list(ctx context.Context, each func(object) error) error {
	for it := c.bucket.List(nil); ; {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := each(object{key: o.Key, size: o.Size, version: c.provider.listed(o)}); err != nil {
			return err
		}
	}
}

func (c *cloud) stat(ctx context.Context, key string) (object, error) {
	a, err := c.bucket.Attributes(ctx, key)
	if err != nil {
		return object{}, c.explain(err)
	}
	digest := a.Metadata[metaSHA256]
	return object{key: key, size: a.Size, version: c.provider.attributes(a), sha256: digest, pushed: digest != ""}, nil
}

func (c *cloud) get(ctx context.Context, key string, limit int64) ([]byte, object, error) {
	// The version first: should the object be replaced between the two, a write that depends on it fails.
	o, err := c.stat(ctx, key)
	if err != nil {
		return nil, object{}, err
	}
	r, err := c.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return nil, object{}, c.explain(err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("larger than %d bytes", limit)
	}
	return data, o, err
}

func (c *cloud) put(ctx context.Context, body io.Reader, o putOptions) (object, error) {
	err := c.upload(ctx, body, o)
	changed := err != nil && (gcerrors.Code(err) == gcerrors.FailedPrecondition || c.provider.conflict(c.bucket, err) ||
		o.version != "" && gcerrors.Code(err) == gcerrors.NotFound)
	if err != nil && !changed {
		return object{}, err
	}
	is, statErr := c.stat(ctx, o.key)
	ours := statErr == nil && is.version != o.version && is.size == o.size && is.sha256 == o.sha256
	switch {
	case ours: // even if refused: a write whose answer was lost is sent again, and then finds its own object there
		return is, nil
	case statErr != nil && !errors.Is(statErr, errNotFound):
		return object{}, statErr
	}
	return object{}, errChanged
}

// upload writes an object. It is completed only when all of the body was read without an error.
func (c *cloud) upload(ctx context.Context, body io.Reader, o putOptions) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := c.bucket.NewWriter(ctx, o.key, &blob.WriterOptions{
		BufferSize: partSize, MaxConcurrency: partConcurrency,
		ContentType: o.contentType, CacheControl: o.cacheControl,
		Metadata:    map[string]string{metaSHA256: o.sha256},
		BeforeWrite: func(as func(any) bool) error { return c.provider.condition(as, o.version) },
	})
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, newCheckedReader(body, o.size, o.sha256)); err != nil {
		cancel()
		_ = w.Close() // says that it was cancelled
		return err
	}
	return w.Close()
}

func (c *cloud) remove(ctx context.Context, key string) error {
	if err := c.explain(c.bucket.Delete(ctx, key)); err != nil && !errors.Is(err, errNotFound) {
		return err
	}
	return nil
}

func (c *cloud) tidy(ctx context.Context) error { return c.provider.tidy(ctx, c.bucket) }

func (c *cloud) close() error { return c.bucket.Close() }

func (c *cloud) explain(err error) error {
	if err != nil && gcerrors.Code(err) == gcerrors.NotFound {
		return errNotFound
	}
	return err
}
