package apt

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"time"
)

// commit makes what was prepared visible. Each stage is durable before the next begins, so that no file names another
// that a loss of power could take away.
func (p *publication) commit(ctx context.Context) error {
	p.tx.leaving = leftHalfway
	stages := []struct {
		name string
		run  func(context.Context) error
	}{
		{"pool", p.fillPool},
		{"flat directories", p.linkFlat},
		{"keyring and sources", p.writeUserFiles},
		{"by-hash", p.writeByHash},
		{"indices", p.writeCanonical},
		{"Release", p.writeRelease},
		{"InRelease", p.writeInRelease},
		{"old generations", p.prune},
	}
	for _, stage := range stages {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := stage.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", stage.name, err)
		}
		if err := p.disk.sync(ctx); err != nil {
			return fmt.Errorf("%s: %w", stage.name, err)
		}
	}
	p.tx.leaving = leftWhole
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
	files, err := keyringFiles(p.certs)
	if err != nil {
		return err
	}
	for _, r := range p.result.Suites {
		for _, name := range p.tree.names(r.Suite) {
			if files[path.Join(suiteDir(name), sourcesFile)], err = sourcesText(p.tree.def, name, p.options.URL, p.certs); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if old, err := p.tree.readSmall(name); err == nil && bytes.Equal(old, files[name]) {
			continue
		}
		if err := p.writeFile(ctx, name, files[name], p.options.Now); err != nil {
			return err
		}
	}
	return nil
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
