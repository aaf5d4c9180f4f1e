package apt

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path"

	"kubedist/pkg/openpgp"
)

// snapshots checks what snapshots keep. A snapshot may be older than its Valid-Until, and than the end of the key that
// signed it: it must have been good when it was made.
func (v *verifier) snapshots(ctx context.Context) error {
	names, err := fs.ReadDir(v.root.FS(), snapshotsDir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			v.found(snapshotsDir, "%v", reason(err))
		}
		return nil
	}
	for _, entry := range names {
		if !entry.IsDir() {
			continue
		}
		v.report.Snapshots++
		dists := path.Join(snapshotDir(entry.Name()), distsDir)
		suites, err := fs.ReadDir(v.root.FS(), dists)
		if err != nil {
			v.found(dists, "%v", reason(err))
			continue
		}
		for _, s := range suites {
			if err := ctx.Err(); err != nil {
				return err
			}
			if s.Type().IsRegular() {
				continue // the directory's page
			}
			v.keptSuite(path.Join(dists, s.Name()), s.Name())
		}
	}
	return nil
}

// keptSuite checks one suite of a snapshot: its signed files, the contents of its indices, and what these list.
func (v *verifier) keptSuite(dir, name string) {
	file := path.Join(dir, "InRelease")
	signed, _, ok := v.read(file)
	if !ok {
		return
	}
	text, err := signedText(signed)
	var r *Release
	if err == nil {
		r, err = ParseRelease(text)
	}
	if err != nil {
		v.found(file, "%v", err)
		return
	}
	if verified, _, err := openpgp.VerifyClearsigned(signed, v.options.Keyring, r.Date); err != nil {
		v.found(file, "%v", err)
	} else if !bytes.Equal(verified, text) {
		v.found(file, "holds more than its signed text")
	}
	if plain, _, ok := v.read(path.Join(dir, "Release")); ok && !bytes.Equal(plain, text) {
		v.found(path.Join(dir, "Release"), "is not the text of InRelease")
	}
	if r.Codename != name && r.Suite != name {
		v.found(file, "neither Suite (%s) nor Codename (%s) is %s", r.Suite, r.Codename, name)
	}
	for _, f := range r.Files {
		v.report.Indices++
		hashed := path.Join(dir, byHash(f.Path, f.SHA256))
		data, _, ok := v.read(hashed)
		if ok && !f.matches(data) {
			v.found(hashed, "its contents are not those of its name")
			continue
		}
		if !ok {
			continue
		}
		switch path.Base(f.Path) {
		case "Packages":
			v.index(hashed, string(data), false)
		case "Sources":
			v.sources(hashed, string(data))
		}
	}
}
