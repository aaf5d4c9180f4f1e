package registry

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"kubedist/pkg/hint"
	"kubedist/pkg/progress"
)

// Sent counts what was done about the blobs of a list.
type Sent struct {
	Blobs   int   `json:"blobs"`   // sent
	Bytes   int64 `json:"bytes"`   // of those
	Mounted int   `json:"mounted"` // taken by the registry from another repository of its own
	Present int   `json:"present"` // were in the repository
}

func (s *Sent) add(o Sent) {
	s.Blobs += o.Blobs
	s.Bytes += o.Bytes
	s.Mounted += o.Mounted
	s.Present += o.Present
}

// String words the counts for people.
func (s Sent) String() string {
	return fmt.Sprintf("%d blobs sent (%d bytes), %d mounted, %d present", s.Blobs, s.Bytes, s.Mounted, s.Present)
}

// Sender sends trees. What one repository of a registry got is mounted into the others.
type Sender struct {
	client *Client
	slots  *semaphore.Weighted
	// MoveTags lets tags that exist be set to another digest.
	MoveTags bool

	mu     sync.Mutex
	places map[v1.Hash]*place
}

// place is where a blob is. Whoever sends the blob holds its turn, so that others can mount it afterwards.
type place struct {
	turn chan struct{}
	in   []name.Repository
}

// NewSender returns a sender that makes no more requests at once than the client may.
func (c *Client) NewSender() *Sender {
	return &Sender{client: c, slots: semaphore.NewWeighted(int64(c.jobs)), places: map[v1.Hash]*place{}}
}

// Send brings a tree into the repository of the tags, all of which are of one, and then sets them. The order is what makes
// it safe to interrupt: blobs, manifests of images, index, and the tags when everything was seen in the registry. The task
// is in the step "blobs" when it is handed over.
func (s *Sender) Send(ctx context.Context, task *progress.Task, t *Tree, tags ...name.Tag) (Sent, error) {
	repo := tags[0].Context()
	images := t.Images
	if len(images) == 0 {
		images = []*Tree{t}
	}
	blobs := allBlobs(images)
	sent, err := s.sendBlobs(ctx, repo, blobs)
	if err != nil {
		return sent, err
	}
	task.Step("manifests", repo.String())
	if err := s.each(ctx, len(images), func(ctx context.Context, i int) error { return s.sendManifest(ctx, repo, images[i]) }); err != nil {
		return sent, err
	}
	if len(t.Images) > 0 {
		if err := s.sendManifest(ctx, repo, t); err != nil {
			return sent, err
		}
	}
	task.Step("check", repo.String())
	if err := s.confirm(ctx, repo, t, blobs); err != nil {
		return sent, err
	}
	for _, tag := range tags {
		task.Step("tag", tag.String())
		if err := s.tag(ctx, t, tag); err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// allBlobs lists the blobs of all images once each, in their order.
func allBlobs(images []*Tree) []Blob {
	var all []Blob
	seen := map[v1.Hash]bool{}
	for _, image := range images {
		for _, b := range image.Blobs {
			if !seen[b.Descriptor.Digest] {
				all = append(all, b)
			}
			seen[b.Descriptor.Digest] = true
		}
	}
	return all
}

// each runs work for 0 to n-1 side by side. The first error ends the rest.
func (s *Sender) each(ctx context.Context, n int, work func(context.Context, int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for i := range n {
		g.Go(func() error {
			if err := s.slots.Acquire(ctx, 1); err != nil {
				return err
			}
			defer s.slots.Release(1)
			return work(ctx, i)
		})
	}
	return g.Wait()
}

// sendBlobs sends what the repository does not have.
func (s *Sender) sendBlobs(ctx context.Context, repo name.Repository, blobs []Blob) (Sent, error) {
	var mu sync.Mutex
	var sent Sent
	g, ctx := errgroup.WithContext(ctx)
	for _, b := range blobs {
		g.Go(func() error {
			one, err := s.sendBlob(ctx, repo, b)
			mu.Lock()
			defer mu.Unlock()
			sent.add(one)
			return err
		})
	}
	return sent, g.Wait()
}

// sendBlob sends one blob, or has it mounted. The turn comes before the slot: who waits for another's blob takes no slot.
func (s *Sender) sendBlob(ctx context.Context, repo name.Repository, b Blob) (Sent, error) {
	p := s.place(b.Descriptor.Digest)
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return Sent{}, ctx.Err()
	}
	if err := s.slots.Acquire(ctx, 1); err != nil {
		return Sent{}, err
	}
	defer s.slots.Release(1)

	watched := &watchedBlob{Layer: b.content}
	content := v1.Layer(watched)
	if from, ok := mountSource(b, p.in, repo); ok {
		content = mountable(watched, from, b.Descriptor.Digest)
	}
	if err := s.client.pusher.Upload(ctx, repo, content); err != nil {
		return Sent{}, s.client.explain(err, atRepository{repo})
	}
	if !slices.Contains(p.in, repo) {
		p.in = append(p.in, repo)
	}
	switch {
	case watched.opened:
		return Sent{Blobs: 1, Bytes: b.Descriptor.Size}, nil
	case s.client.wire.wasMounted(repo.RegistryStr(), repo.RepositoryStr(), b.Descriptor.Digest.String()):
		return Sent{Mounted: 1}, nil
	}
	return Sent{Present: 1}, nil
}

// present notes that a repository has a whole tree, of an earlier run: the others may have its blobs mounted. Should the
// registry have lost one, it answers the mount as it would answer the beginning of an upload, and gets the blob.
func (s *Sender) present(t *Tree, repo name.Repository) {
	images := t.Images
	if len(images) == 0 {
		images = []*Tree{t}
	}
	for _, b := range allBlobs(images) {
		p := s.place(b.Descriptor.Digest)
		p.turn <- struct{}{}
		if !slices.Contains(p.in, repo) {
			p.in = append(p.in, repo)
		}
		<-p.turn
	}
}

func (s *Sender) place(digest v1.Hash) *place {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.places[digest]
	if p == nil {
		p = &place{turn: make(chan struct{}, 1)}
		s.places[digest] = p
	}
	return p
}

// sendManifest sends a manifest by its digest, unless it is there.
func (s *Sender) sendManifest(ctx context.Context, repo name.Repository, t *Tree) error {
	ref := repo.Digest(t.Descriptor.Digest.String())
	// Whatever keeps the registry from saying that it has it, is no reason not to send it.
	if d, err := s.client.puller.Head(ctx, ref); err == nil && d.Digest == t.Descriptor.Digest {
		return nil
	}
	return s.client.explain(s.client.pusher.Put(ctx, ref, t), ref)
}

// confirm asks the registry for everything that a tag is going to promise.
func (s *Sender) confirm(ctx context.Context, repo name.Repository, t *Tree, blobs []Blob) error {
	manifests := append([]*Tree{t}, t.Images...)
	return s.each(ctx, len(manifests)+len(blobs), func(ctx context.Context, i int) error {
		if i < len(manifests) {
			ref := repo.Digest(manifests[i].Descriptor.Digest.String())
			_, err := s.client.Head(ctx, ref)
			if IsNotFound(err) {
				err = lost(ref)
			}
			return err
		}
		d := blobs[i-len(manifests)].Descriptor
		ref := repo.Digest(d.Digest.String())
		layer, err := s.client.puller.Layer(ctx, ref)
		if err != nil {
			return s.client.explain(err, ref)
		}
		switch size, err := layer.Size(); {
		case isMissingBlob(err):
			return lost(ref)
		case err != nil:
			return s.client.explain(err, ref)
		case size != d.Size && size >= 0:
			return fmt.Errorf("registry %s: has %d bytes of %s, not %d", repo.RegistryStr(), size, ref, d.Size)
		}
		return nil
	})
}

// lost is what a registry took and does not have.
func lost(ref name.Reference) error {
	return hint.Errorf(again, "registry %s: took %s and does not have it; the tag was not set", ref.Context().RegistryStr(), ref)
}

// tag sets a tag, unless it is set already.
func (s *Sender) tag(ctx context.Context, t *Tree, tag name.Tag) error {
	has, err := s.client.Head(ctx, tag)
	switch {
	case err == nil && has.Digest == t.Descriptor.Digest:
		return nil
	case err == nil && !s.MoveTags:
		return &TagTakenError{tag.String(), has.Digest, t.Descriptor.Digest}
	case err != nil && !IsNotFound(err):
		return err
	}
	return s.client.explain(s.client.pusher.Put(ctx, tag, t), tag)
}
