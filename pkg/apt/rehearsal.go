package apt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"kubedist/pkg/deb"
)

// rehearsedAhead is how long may pass between a rehearsal and the publishing: a date that is further in the future than
// this is in the future then too.
const rehearsedAhead = 24 * time.Hour

// Rehearsal is a transaction with packages that are not made yet. It finds what publishing them would refuse, all but
// other contents under the same name, version and architecture. It holds no lock and changes nothing, so that the archive
// may be another one when the packages are there: that nothing is refused is no promise.
type Rehearsal struct {
	tx *Transaction // has no disk and no lock
	// halfway says that a commit is written down and not done: what Begin is going to find is not there to be read.
	halfway bool
}

// Rehearse reads what is published. o.Waiting is not used.
func Rehearse(o Options) (*Rehearsal, error) {
	root, err := filepath.Abs(o.Root)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	t, err := peekTree(root, o.Definition)
	if err != nil {
		return nil, fmt.Errorf("archive %s: %w", o.Root, err)
	}
	_, err = os.Lstat(filepath.Join(root, filepath.FromSlash(journalFile)))
	return &Rehearsal{tx: &Transaction{tree: t}, halfway: !errors.Is(err, fs.ErrNotExist)}, nil
}

// Outlived is [Transaction.Outlived].
func (r *Rehearsal) Outlived(ctx context.Context, suite, name, version, architecture string) (bool, error) {
	return r.tx.Outlived(ctx, suite, name, version, architecture)
}

// Add adds packages to suites, as [Transaction.Add] is going to do it. planned has what is known of them, such as
// [deb.Outline] gives: name, version and architecture, and the control paragraph. What the archive has under these stays
// as it is there.
func (r *Rehearsal) Add(ctx context.Context, planned []*deb.Info, suites []string) error {
	o := AddOptions{Suites: suites, Component: r.tx.tree.def.Components[0]}
	for _, info := range planned {
		if err := r.add(ctx, info, o); err != nil {
			return fmt.Errorf("package %s: %w", deb.Name(info), err)
		}
	}
	return nil
}

func (r *Rehearsal) add(ctx context.Context, info *deb.Info, o AddOptions) error {
	text, err := indexed(info).Append(nil)
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	e := &entry{
		name: info.Package, version: info.Version, arch: info.Architecture, text: paragraph{text: string(text)},
		filename: poolPath(o.Component, info.Package, deb.Name(info)),
	}
	if err := r.tx.tree.def.takes(e.arch); err != nil {
		return fmt.Errorf("control: %w", err)
	}
	suites, err := r.tx.suitesFor(ctx, e, minorsThere{}, o)
	if err != nil {
		return err
	}
	there, err := r.tx.tree.published(ctx, e)
	if err != nil {
		return err
	}
	if there != nil && there.key() == e.key() {
		e = there
	}
	_, err = r.tx.insert(ctx, decision{suites: suites, entry: e}, o)
	return err
}

// Publish tells what [Transaction.Publish] with the same options would refuse: then it returns a [RefusedError]. It signs
// nothing. Dates are refused when they are more than a day in the future, which waiting for the packages does not mend.
func (r *Rehearsal) Publish(ctx context.Context, o PublishOptions) error {
	if r.halfway {
		return nil
	}
	if o.Clock != nil {
		o.NotAfter, o.Clock = o.Clock().Add(rehearsedAhead), nil
	}
	p, err := r.tx.publication(o)
	if err != nil {
		return err
	}
	if err := p.foresee(ctx); err != nil {
		return err
	}
	return p.refuse(ctx)
}

// foresee decides which places are to be written, as plan does, and writes nothing.
func (p *publication) foresee(ctx context.Context) error {
	if err := p.foreseeKeyringPackage(ctx); err != nil {
		return fmt.Errorf("keyring package: %w", err)
	}
	if _, err := p.tx.retire(ctx); err != nil {
		return err
	}
	for _, s := range p.tree.suites {
		if !p.publishes(s) {
			continue
		}
		own := p.newDraft(s)
		drafts := []*draft{own}
		for _, a := range s.aliases {
			drafts = append(drafts, a.newDraft(own))
		}
		if s.flat != nil {
			drafts = append(drafts, newFlatDraft(own))
		}
		for _, d := range drafts {
			if d.past.release != nil && !s.changed() {
				d.release.Files = d.past.release.Files
			}
		}
		p.choose(s, drafts)
	}
	return nil
}

// foreseeKeyringPackage adds the keyring package where a suite does not list it yet. Its version does not matter.
func (p *publication) foreseeKeyringPackage(ctx context.Context) error {
	if !p.tree.def.KeyringPackage {
		return nil
	}
	o := AddOptions{Component: p.tree.def.Components[0]}
	for _, s := range p.tree.suites {
		if !p.publishes(s) {
			continue
		}
		listed, _, err := p.listedKeyring(ctx, []string{s.name})
		if err != nil {
			return err
		}
		if listed != nil {
			continue
		}
		e := &entry{name: keyringPackage, version: p.options.Now.UTC().Format(keyringVersion), arch: "all"}
		if _, err := p.tx.insert(ctx, decision{suites: []*suite{s}, entry: e}, o); err != nil {
			return err
		}
	}
	return nil
}
