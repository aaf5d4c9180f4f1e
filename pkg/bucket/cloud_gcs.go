package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"gocloud.dev/gcp"
	"google.golang.org/api/googleapi"

	"kubedist/pkg/hint"
)

// gcsProvider is Google Cloud Storage. An object's version is its generation.
type gcsProvider struct{}

// openGCS takes the credentials that Google's own tools use. With STORAGE_EMULATOR_HOST, which the client library knows,
// it takes none.
func openGCS(ctx context.Context, u *url.URL) (*blob.Bucket, provider, error) {
	opener := gcsblob.URLOpener{Client: gcp.NewAnonymousHTTPClient(gcp.DefaultTransport())}
	if os.Getenv("STORAGE_EMULATOR_HOST") == "" && u.Query().Get("anonymous") == "" {
		credentials, err := gcp.DefaultCredentials(ctx)
		if err != nil {
			return nil, nil, hint.With(fmt.Errorf("credentials: %w", err), "name a file of credentials in GOOGLE_APPLICATION_CREDENTIALS, or run gcloud auth application-default login")
		}
		if opener.Client, err = gcp.NewHTTPClient(gcp.DefaultTransport(), gcp.CredentialsTokenSource(credentials)); err != nil {
			return nil, nil, fmt.Errorf("credentials: %w", err)
		}
	}
	b, err := opener.OpenBucketURL(ctx, u)
	return b, gcsProvider{}, err
}

func (gcsProvider) condition(as func(any) bool, version string) error {
	var handle **storage.ObjectHandle
	if !as(&handle) {
		return errors.New("gcs: no way to make the write conditional")
	}
	if version == "" {
		*handle = (*handle).If(storage.Conditions{DoesNotExist: true})
		return nil
	}
	generation, err := strconv.ParseInt(version, 10, 64)
	if err != nil {
		return fmt.Errorf("gcs: generation: %w", err)
	}
	*handle = (*handle).If(storage.Conditions{GenerationMatch: generation})
	return nil
}

func (gcsProvider) listed(o *blob.ListObject) string {
	var raw storage.ObjectAttrs
	if !o.As(&raw) {
		return ""
	}
	return strconv.FormatInt(raw.Generation, 10)
}

func (gcsProvider) attributes(a *blob.Attributes) string {
	var raw storage.ObjectAttrs
	if !a.As(&raw) {
		return ""
	}
	return strconv.FormatInt(raw.Generation, 10)
}

func (gcsProvider) conflict(b *blob.Bucket, err error) bool {
	var api *googleapi.Error
	return b.ErrorAs(err, &api) && (api.Code == http.StatusPreconditionFailed || api.Code == http.StatusConflict)
}

// tidy has nothing to do: an upload that is not completed expires, and is not paid for.
func (gcsProvider) tidy(context.Context, *blob.Bucket) error { return nil }
