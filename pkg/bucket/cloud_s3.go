package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"

	"kubedist/pkg/hint"
)

// s3Provider is an S3-compatible store that knows conditional writes: If-Match and If-None-Match of PutObject and
// CompleteMultipartUpload, as AWS has had them since November 2024. A store that ignores them is not safe to push to
// from two places.
type s3Provider struct {
	bucket, prefix string
}

func openS3(ctx context.Context, u *url.URL, prefix string) (*blob.Bucket, provider, error) {
	b, err := new(s3blob.URLOpener).OpenBucketURL(ctx, u)
	if err != nil {
		return nil, nil, hint.With(err, "the region, and the endpoint of a store that is not AWS, are given as s3://BUCKET?region=REGION&endpoint=URL")
	}
	return b, &s3Provider{bucket: u.Host, prefix: prefix}, nil
}

func (*s3Provider) condition(as func(any) bool, version string) error {
	var in *transfermanager.UploadObjectInput
	if !as(&in) {
		return errors.New("s3: no way to make the write conditional")
	}
	if version == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = aws.String(version)
	}
	return nil
}

func (*s3Provider) listed(o *blob.ListObject) string {
	var raw types.Object
	if !o.As(&raw) {
		return ""
	}
	return quoteETag(aws.ToString(raw.ETag))
}

func (*s3Provider) attributes(a *blob.Attributes) string { return quoteETag(a.ETag) }

// quoteETag makes one form of what some stores quote in one answer and not in another.
func quoteETag(tag string) string { return `"` + strings.Trim(tag, `"`) + `"` }

func (*s3Provider) conflict(b *blob.Bucket, err error) bool {
	var api smithy.APIError
	if !b.ErrorAs(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "PreconditionFailed", "ConditionalRequestConflict":
		return true
	}
	return false
}

// tidy aborts uploads of several parts that were never completed: they are paid for, and no listing shows them.
func (p *s3Provider) tidy(ctx context.Context, b *blob.Bucket) error {
	var client *s3.Client
	if !b.As(&client) {
		return nil
	}
	pages := s3.NewListMultipartUploadsPaginator(client, &s3.ListMultipartUploadsInput{Bucket: &p.bucket, Prefix: &p.prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("uploads that were not completed: %w", err)
		}
		for _, u := range page.Uploads {
			_, err := client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &p.bucket, Key: u.Key, UploadId: u.UploadId})
			if err != nil {
				return fmt.Errorf("upload of %s that was not completed: %w", aws.ToString(u.Key), err)
			}
		}
	}
	return nil
}
