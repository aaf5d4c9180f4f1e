package registry

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

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

// plan lists what goes where: a group to each image, its own reference first.
func (c *Client) plan(o PushOptions) ([][]*Reference, error) {
	var groups [][]*Reference
	wanted := map[string]bool{}
	for _, name := range o.Images {
		wanted[name] = false
	}
	taken := map[string]v1.Hash{}
	for _, e := range o.Layout.Entries() {
		repository, tag, err := c.split(e.Name)
		if err != nil {
			return nil, fmt.Errorf("image layout %s: %w", o.Layout.dir, err)
		}
		if !selects(wanted, repository) {
			continue
		}
		tree, err := o.Layout.Tree(e)
		if err != nil {
			return nil, err
		}
		group, err := o.references(tree, repository, tag)
		if err != nil {
			return nil, err
		}
		for _, ref := range group {
			if other, ok := taken[ref.Name]; ok && other != ref.Digest {
				return nil, fmt.Errorf("image layout %s: %s is two images, %s and %s", o.Layout.dir, ref.Name, other, ref.Digest)
			}
			taken[ref.Name] = ref.Digest
		}
		groups = append(groups, group)
	}
	for _, name := range o.Images {
		if !wanted[name] {
			return nil, hint.With(&UnknownImageError{name, o.Layout.dir}, "there are: "+strings.Join(c.names(o.Layout), ", "))
		}
	}
	return groups, nil
}

// split takes the repository, without its registry, and the tag out of a name.
func (c *Client) split(full string) (repository, tag string, err error) {
	t, err := c.Tag(full)
	if err != nil {
		return "", "", err
	}
	return t.RepositoryStr(), t.TagStr(), nil
}

// names lists the repositories of a layout.
func (c *Client) names(l *Layout) []string {
	var all []string
	for _, e := range l.Entries() {
		if repository, _, err := c.split(e.Name); err == nil {
			all = append(all, repository)
		}
	}
	return slices.Compact(all)
}

// selects tells whether an image is wanted, and notes by what.
func selects(wanted map[string]bool, repository string) bool {
	selected := len(wanted) == 0
	for _, by := range []string{repository, path.Base(repository)} {
		if _, ok := wanted[by]; ok {
			wanted[by], selected = true, true
		}
	}
	return selected
}

// references are all that one image is pushed as.
func (o PushOptions) references(t *Tree, repository, tag string) ([]*Reference, error) {
	var group []*Reference
	add := func(t *Tree, repository string) error {
		to, err := o.To.tag(repository, tag)
		if err != nil {
			return err
		}
		ref := &Reference{Name: to.String(), Digest: t.Descriptor.Digest, Platforms: t.Platforms(), State: ToPush, tag: to, tree: t}
		if p := t.Descriptor.Platform; len(t.Images) == 0 && p != nil {
			ref.Platforms = []string{p.String()}
		}
		group = append(group, ref)
		return nil
	}
	for _, where := range append([]string{repository}, o.Also[repository]...) {
		if err := add(t, where); err != nil {
			return nil, err
		}
	}
	if !o.ArchTags {
		return group, nil
	}
	suffixes, err := archSuffixes(t.Images)
	if err != nil {
		return nil, fmt.Errorf("image %s: %w", repository, err)
	}
	for i, image := range t.Images {
		if err := add(image, repository+"-"+suffixes[i]); err != nil {
			return nil, err
		}
	}
	return group, nil
}

// archSuffixes names images of an index as upstream does: amd64, arm; with the variant or the system only where the
// architecture alone would be two.
func archSuffixes(images []*Tree) ([]string, error) {
	forms := []func(v1.Platform) string{
		func(p v1.Platform) string { return p.Architecture },
		func(p v1.Platform) string { return p.Architecture + p.Variant },
		func(p v1.Platform) string { return p.OS + "-" + p.Architecture + p.Variant },
	}
	for _, form := range forms {
		var suffixes []string
		for _, image := range images {
			p := image.Descriptor.Platform
			if p == nil || p.Architecture == "" {
				return nil, fmt.Errorf("manifest %s: has no platform", image.Descriptor.Digest)
			}
			suffixes = append(suffixes, form(*p))
		}
		if len(slices.Compact(slices.Sorted(slices.Values(suffixes)))) == len(images) {
			return suffixes, nil
		}
	}
	return nil, errors.New("two manifests are for the same platform")
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
