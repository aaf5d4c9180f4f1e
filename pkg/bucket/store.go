package bucket

import (
	"context"
	"errors"
	"io"
	"time"
)

// errChanged is the error of a conditional write whose condition does not hold: someone else has written the object, or
// removed it, since it was seen.
var errChanged = errors.New("someone else has changed it meanwhile")

// errNotFound is the error about an object that is not there.
var errNotFound = errors.New("not found")

// store is what a bucket must be able to do. Keys are relative to the archive's root in the bucket. Implementations are
// safe for concurrent use.
type store interface {
	// list gives all objects in no particular order.
	list(ctx context.Context, each func(object) error) error
	// stat describes an object, with its digest where that can be told. The error may be errNotFound.
	stat(ctx context.Context, key string) (object, error)
	// get reads an object of at most limit bytes. The error may be errNotFound.
	get(ctx context.Context, key string, limit int64) ([]byte, object, error)
	// put writes an object, durably, and whole or not at all. The error may be errChanged.
	put(ctx context.Context, body io.Reader, o putOptions) (object, error)
	// remove removes an object. One that is not there is none to remove.
	remove(ctx context.Context, key string) error
	// tidy removes what killed pushers left half-written. Whoever calls it holds the lock.
	tidy(ctx context.Context) error
	close() error
}

// object is what a store says of one object.
type object struct {
	key     string
	size    int64  // bytes
	version string // changes whenever the object is written: an ETag, a generation
	sha256  string // "" when the store does not say; list does not
	pushed  bool   // the store knows that this package wrote it; only stat tells
}

// putOptions describe an object that is to be written.
type putOptions struct {
	key          string
	size         int64 // bytes
	sha256       string
	contentType  string
	cacheControl string
	version      string    // of the object that is replaced; "" when there must be none
	modTime      time.Time // for stores that keep it
}
