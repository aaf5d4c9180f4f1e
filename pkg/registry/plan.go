package registry

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/hint"
)

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
