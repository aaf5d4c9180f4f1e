package manifestlist

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/progress"
	"kubedist/pkg/registry"
)

// Result is what a push of a list did.
type Result struct {
	Digest    v1.Hash       `json:"digest"`
	Length    int64         `json:"length"` // of the list, in bytes
	Tags      []string      `json:"tags"`
	Platforms []string      `json:"platforms"`
	Missing   []string      `json:"missing,omitempty"`
	Unchanged bool          `json:"unchanged,omitempty"` // all tags pointed at it already
	Sent      registry.Sent `json:"sent"`
}

// Push brings a list to the repository of its tags: its images from where they are, mounted where that is the same
// registry, then the list, then the tags. Tags that point at something else are moved, as manifest-tool moves them.
func Push(ctx context.Context, c *registry.Client, l *List, r progress.Reporter) (res *Result, err error) {
	first := l.Tags[0]
	res = &Result{Digest: l.Tree.Descriptor.Digest, Length: l.Tree.Descriptor.Size, Platforms: l.Tree.Platforms(), Missing: l.Missing}
	for _, t := range l.Tags {
		res.Tags = append(res.Tags, t.String())
	}
	task := progress.Start(r, first.String(), "look")
	defer func() {
		if err != nil {
			task.Fail(err)
		}
	}()
	res.Unchanged = true
	for _, t := range l.Tags {
		has, err := c.Head(ctx, t)
		if err != nil || has.Digest != res.Digest {
			res.Unchanged = false // what keeps the registry from answering is met again when something is sent
			break
		}
	}
	if res.Unchanged {
		task.Skip("points at " + res.Digest.String() + " already")
		return res, nil
	}
	sender := c.NewSender()
	sender.MoveTags = true
	task.Step("blobs", first.Context().String())
	if res.Sent, err = sender.Send(ctx, task, l.Tree, l.Tags...); err != nil {
		return nil, err
	}
	task.Done(res.Sent.String())
	return res, nil
}
