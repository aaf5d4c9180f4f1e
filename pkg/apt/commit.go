package apt

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"time"
)

// A stage of a commit is durable before the next begins, so that no file names another that a loss of power could take
// away.
type stage struct {
	name string
	run  func(context.Context) error
}

// commit makes what was prepared visible. Until the journal is durable, clients see nothing of it and it can be given up;
// from then on it is done, if not by this process then by whoever takes the lock next.
func (p *publication) commit(ctx context.Context) error {
	p.tx.leaving = leftHalfway
	unseen := []stage{
		{"pool", p.fillPool},
		{"flat directories", p.linkFlat},
		{"keyring and sources", p.writeUserFiles},
		{"by-hash", p.writeByHash},
	}
	seen := []stage{
		{"snapshots", p.tx.placeSnapshots},
		{"indices", p.writeCanonical},
		{"Release", p.writeRelease},
		{"InRelease", p.writeInRelease},
	}
	if err := p.disk.stages(ctx, unseen); err != nil {
		return err
	}
	if err := p.tx.together(ctx, p.options.Now, seen); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // it is published; that the caller gives up makes it no less so
	p.forget()
	if err := p.disk.stages(ctx, []stage{{"old generations", p.prune}, {"pages", p.writePages}}); err != nil {
		return err
	}
	p.tx.leaving = leftWhole
	return nil
}

// forget lets go of the packages, of which what follows needs none and there may be a hundred thousand.
func (p *publication) forget() {
	p.tx.tree, p.tx.pool = nil, nil
	for _, s := range p.tree.suites {
		clear(s.indices)
		clear(s.sources)
	}
}

// stages runs one stage after the other.
func (d *disk) stages(ctx context.Context, stages []stage) error {
	for _, stage := range stages {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := stage.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", stage.name, err)
		}
		if err := d.sync(ctx); err != nil {
			return fmt.Errorf("%s: %w", stage.name, err)
		}
	}
	return nil
}

// together runs stages through the journal: all of what they place, link and remove becomes visible, or nothing.
func (t *Transaction) together(ctx context.Context, at time.Time, stages []stage) error {
	j, err := t.disk.record(func() error { return t.disk.stages(ctx, stages) })
	if err != nil {
		return err
	}
	if j.empty() {
		return nil
	}
	t.journaled = true // what the steps are about must outlive an error
	if err := t.disk.writeJournal(ctx, j, at); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := t.disk.replay(context.WithoutCancel(ctx), j); err != nil {
		return fmt.Errorf("%w; the next command that changes the archive finishes the publishing", err)
	}
	t.journaled = false
	return nil
}

func (p *publication) fillPool(ctx context.Context) error {
	names := slices.Sorted(maps.Keys(p.tx.pool))
	names = slices.DeleteFunc(names, func(name string) bool { return p.tx.pool[name].temp == "" })
	temps := make([]string, len(names))
	for i, name := range names {
		temps[i] = p.tx.pool[name].temp
	}
	if err := p.disk.flush(ctx, temps, p.options.Now); err != nil {
		return err
	}
	for i, name := range names {
		if err := p.disk.place(temps[i], name); err != nil {
			return err
		}
	}
	p.result.Pool = names
	return nil
}

// writeUserFiles writes what users fetch once: before anything is signed by a key that it may be the first to hold.
func (p *publication) writeUserFiles(ctx context.Context) error {
	files, err := p.userFiles()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := p.disk.replace(ctx, name, files[name], p.options.Now); err != nil {
			return err
		}
	}
	return nil
}

// wantedUserFiles gives the keyring and sources files as they are to be, by path.
func (p *publication) wantedUserFiles() (map[string][]byte, error) {
	files, err := keyringFiles(p.certs)
	if err != nil {
		return nil, err
	}
	if p.keyring != nil {
		files[keyringDeb] = p.keyring
	}
	for _, r := range p.result.Suites {
		for _, name := range p.tree.names(r.Suite) {
			if files[path.Join(suiteDir(name), sourcesFile)], err = sourcesText(p.tree.def, name, p.options.URL, p.certs); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

func (p *publication) writeFile(ctx context.Context, name string, data []byte, at time.Time) error {
	temp, err := p.disk.write(data)
	if err != nil {
		return err
	}
	if err := p.disk.flush(ctx, []string{temp}, at); err != nil {
		return err
	}
	return p.disk.place(temp, name)
}

func (p *publication) writeByHash(ctx context.Context) error {
	for _, d := range p.drafts {
		var temps []string
		for _, f := range d.files {
			if f.temp != "" {
				temps = append(temps, f.temp)
			}
		}
		if err := p.disk.flush(ctx, temps, d.release.Date); err != nil {
			return err
		}
		for _, f := range d.files {
			name := path.Join(d.past.dir, byHash(f.file.Path, f.file.SHA256))
			var err error
			if f.temp != "" {
				err = p.disk.place(f.temp, name)
			} else { // the suite's own draft comes before those that link to its files
				err = p.disk.linkTo(ctx, f.link, name)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *publication) writeCanonical(ctx context.Context) error {
	for _, d := range p.drafts {
		dir := d.past.dir
		for _, f := range d.files {
			if err := p.disk.linkTo(ctx, path.Join(dir, byHash(f.file.Path, f.file.SHA256)), path.Join(dir, f.file.Path)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *publication) writeRelease(ctx context.Context) error {
	for _, d := range p.drafts {
		dir := d.past.dir
		if err := p.writeFile(ctx, path.Join(dir, "Release"), d.text, d.release.Date); err != nil {
			return err
		}
		if err := p.writeFile(ctx, path.Join(dir, "Release.gpg"), d.releaseGPG, d.release.Date); err != nil {
			return err
		}
	}
	return nil
}

func (p *publication) writeInRelease(ctx context.Context) error {
	for _, d := range p.drafts {
		if err := p.writeFile(ctx, path.Join(d.past.dir, "InRelease"), d.inRelease, d.release.Date); err != nil {
			return err
		}
	}
	return nil
}
