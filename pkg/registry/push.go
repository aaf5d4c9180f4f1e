package registry

import (
	"context"
	"errors"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"kubedist/pkg/hint"
	"kubedist/pkg/progress"
)

// PushOptions say what of a layout goes where.
type PushOptions struct {
	Layout *Layout
	To     Destination
	// Images selects images by their repository or the last part of it; none means all.
	Images []string
	// Also are further repositories of an image, by its own: coredns of coredns/coredns.
	Also map[string][]string
	// ArchTags also makes an image REPOSITORY-ARCH:TAG of each platform.
	ArchTags bool
	// MoveTags sets tags that exist and point at something else.
	MoveTags bool
	// DryRun asks what there is and sends nothing.
	DryRun   bool
	Progress progress.Reporter
}

// The states of a reference.
const (
	Unchanged = "unchanged" // it pointed at the digest already
	Pushed    = "pushed"    // it is new
	Moved     = "moved"     // it pointed at something else
	ToPush    = "to push"   // of a dry run: it would be new
	ToMove    = "to move"   // of a dry run: it points at something else
)

// Reference is a tag and what became of it.
type Reference struct {
	Name      string   `json:"reference"`
	Digest    v1.Hash  `json:"digest"`
	Platforms []string `json:"platforms,omitempty"`
	State     string   `json:"state"`
	Was       string   `json:"was,omitempty"` // digest before, of one that moved

	tag  name.Tag
	tree *Tree
}

// Result is what a push did, the references in the order of the layout's images.
type Result struct {
	Registry   string      `json:"registry"`
	DryRun     bool        `json:"dryRun,omitempty"`
	References []Reference `json:"references"`
	Sent       Sent        `json:"sent"`
}

// Push brings images of a layout to a registry. No tag is touched when one of them points at something else and is not to
// be moved: errors.As finds a [TagTakenError]. Where one of o.Images is none, it finds an [UnknownImageError].
func (c *Client) Push(ctx context.Context, o PushOptions) (*Result, error) {
	groups, err := c.plan(o)
	if err != nil {
		return nil, err
	}
	if err := c.look(ctx, o, groups); err != nil {
		return nil, err
	}
	r := &Result{Registry: o.To.String(), DryRun: o.DryRun}
	if !o.DryRun {
		if r.Sent, err = c.sendAll(ctx, o, groups); err != nil {
			return nil, err
		}
	}
	for _, g := range groups {
		for _, ref := range g {
			r.References = append(r.References, *ref)
		}
	}
	return r, nil
}

// look asks what all tags point at, and refuses before anything is sent.
func (c *Client) look(ctx context.Context, o PushOptions, groups [][]*Reference) error {
	var all []*Reference
	for _, g := range groups {
		all = append(all, g...)
	}
	taken := make([]error, len(all))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.jobs)
	for i, ref := range all {
		g.Go(func() error {
			has, err := c.Head(ctx, ref.tag)
			switch {
			case err == nil && has.Digest == ref.Digest:
				ref.State = Unchanged
			case err == nil:
				ref.State, ref.Was = ToMove, has.Digest.String()
				taken[i] = &TagTakenError{ref.Name, has.Digest, ref.Digest}
			case IsNotFound(err):
			case !o.DryRun && isDenied(err):
				// Some registries say this of repositories that are going to be made. If it is meant, sending fails.
			default:
				return err
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := errors.Join(taken...); err != nil && !o.MoveTags && !o.DryRun {
		return hint.With(err, "nothing was sent; a released tag should not move, since nodes that have it and nodes that pull it would run different programs: push under another tag or --registry prefix, or move it all the same with --force-tag")
	}
	return nil
}

// sendAll sends what is not there, image beside image.
func (c *Client) sendAll(ctx context.Context, o PushOptions, groups [][]*Reference) (Sent, error) {
	sender := c.NewSender()
	sender.MoveTags = o.MoveTags
	for _, group := range groups {
		for _, ref := range group {
			if ref.State == Unchanged {
				sender.present(ref.tree, ref.tag.Context())
			}
		}
	}
	progress.Plan(o.Progress, len(groups), "images to %s", o.To)
	sent := make([]Sent, len(groups))
	g, ctx := errgroup.WithContext(ctx)
	// Each image keeps all its requests within the sender's slots; this only keeps the display readable.
	g.SetLimit(c.jobs)
	for i, group := range groups {
		g.Go(func() error {
			var err error
			sent[i], err = sender.sendGroup(ctx, o.Progress, group)
			return err
		})
	}
	err := g.Wait()
	var total Sent
	for _, s := range sent {
		total.add(s)
	}
	return total, err
}

// sendGroup sends one image to all its references.
func (s *Sender) sendGroup(ctx context.Context, r progress.Reporter, group []*Reference) (sent Sent, err error) {
	first := group[0]
	if !slices.ContainsFunc(group, func(ref *Reference) bool { return ref.State != Unchanged }) {
		progress.Skip(r, first.Name, "points at "+first.Digest.String()+" already")
		return sent, nil
	}
	var task *progress.Task
	for _, ref := range group {
		if ref.State == Unchanged {
			continue
		}
		if repo := ref.tag.Context().String(); task == nil {
			task = progress.Start(r, first.Name, "blobs", repo)
		} else {
			task.Step("blobs", repo)
		}
		one, err := s.Send(ctx, task, ref.tree, ref.tag)
		sent.add(one)
		if err != nil {
			task.Fail(err)
			return sent, err
		}
		if ref.State = Pushed; ref.Was != "" {
			ref.State = Moved
		}
	}
	task.Done(sent.String())
	return sent, nil
}
