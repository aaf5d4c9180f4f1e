package deb

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"

	nfpm "github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/files"
)

// staging is a package's contents as nfpm takes them: everything is a path on disk.
type staging struct {
	contents      files.Contents
	scripts       nfpm.Scripts
	installedSize int64 // KiB
	dir           string
	written       int
}

// stage puts the contents that p has in memory into dir and looks up the others.
func stage(p Package, dir string) (*staging, error) {
	s := &staging{dir: dir}
	directories := map[string]bool{"/": true}
	for _, f := range p.Files {
		for parent := path.Dir(f.Path); !directories[parent]; parent = path.Dir(parent) {
			directories[parent] = true
		}
		size, err := s.add(f, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Path, err)
		}
		if f.Dir {
			directories[f.Path] = true
		}
		s.installedSize += (size + 1023) / 1024
	}
	s.installedSize += int64(len(directories))
	for _, script := range []struct {
		to   *string
		text []byte
	}{
		{&s.scripts.PreInstall, p.Scripts.Preinst},
		{&s.scripts.PostInstall, p.Scripts.Postinst},
		{&s.scripts.PreRemove, p.Scripts.Prerm},
		{&s.scripts.PostRemove, p.Scripts.Postrm},
	} {
		if len(script.text) == 0 {
			continue
		}
		var err error
		if *script.to, err = s.write(script.text); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// add appends f and returns the size of its contents in bytes.
func (s *staging) add(f File, p Package) (int64, error) {
	content := &files.Content{
		Destination: f.Path, Type: files.TypeFile,
		FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: f.Mode, MTime: p.Time},
	}
	s.contents = append(s.contents, content)
	switch {
	case f.Dir:
		content.Type = files.TypeDir
		if f.Mode == 0 {
			content.FileInfo.Mode = 0o755
		}
		return 0, nil
	case f.Config:
		content.Type = files.TypeConfig
	}
	if f.Mode == 0 {
		content.FileInfo.Mode = 0o644
	}
	if f.Source == "" {
		var err error
		content.Source, err = s.write(f.Data)
		return int64(len(f.Data)), err
	}
	// nfpm would package a symbolic link as one.
	source, err := filepath.EvalSymlinks(f.Source)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(source)
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, &fs.PathError{Op: "package", Path: f.Source, Err: fmt.Errorf("not a regular file but %s", info.Mode().Type())}
	}
	content.Source = source
	return info.Size(), nil
}

// write puts data into a new file of the staging directory.
func (s *staging) write(data []byte) (string, error) {
	s.written++
	name := filepath.Join(s.dir, strconv.Itoa(s.written))
	return name, os.WriteFile(name, data, 0o600)
}
