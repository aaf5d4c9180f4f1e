package release

import (
	"context"
	"fmt"
	"sync"
	"time"

	"kubedist/pkg/image"
	"kubedist/pkg/ledger"
	"kubedist/pkg/tarball"
)

// layer writes an archive as a layer when a core is free for it, unless this run has written it already: what key
// digests, and the time, are all that it depends on.
func (r *run) layer(ctx context.Context, a *tarball.Archive, at time.Time, key ...any) (image.Layer, error) {
	write := sync.OnceValues(func() (image.Layer, error) {
		r.worked.Store(true)
		if err := r.writers.Acquire(ctx, 1); err != nil {
			return image.Layer{}, err
		}
		defer r.writers.Release(1)
		return r.layout.WriteLayer(ctx, a, tarball.Options{Time: at, Jobs: r.Budget.Cores, TempDir: r.temp()})
	})
	once, _ := r.layers.LoadOrStore(ledger.Key(append(key, at.Unix())...), write)
	layer, err := once.(func() (image.Layer, error))()
	if err != nil {
		return layer, fmt.Errorf("layer: %w", err)
	}
	return layer, nil
}
