package registry

import (
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// mountSource is a repository from which a registry may take a blob of its own: where it was seen last, which is surest, or
// else where the image comes from.
func mountSource(b Blob, in []name.Repository, to name.Repository) (name.Repository, bool) {
	if r, ok := b.content.(*remoteBlob); ok {
		in = append([]name.Repository{r.repo}, in...)
	}
	for _, repo := range slices.Backward(in) {
		if repo.RegistryStr() == to.RegistryStr() && repo.RepositoryStr() != to.RepositoryStr() {
			return repo, true
		}
	}
	return name.Repository{}, false
}

// watchedBlob notes whether its content was asked for.
type watchedBlob struct {
	v1.Layer
	opened bool
}

func (w *watchedBlob) Compressed() (io.ReadCloser, error) {
	w.opened = true
	return w.Layer.Compressed()
}

// atRepository lets a repository be what an error is about.
type atRepository struct{ name.Repository }

func (r atRepository) Context() name.Repository { return r.Repository }

func isMissingBlob(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound && asked(answer, "blobs")
}
