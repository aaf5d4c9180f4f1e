package build

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"kubedist/pkg/atomicfile"
)

// maxCFile bounds a C file in bytes. That of pause has 2 KB.
const maxCFile = 4 << 20

// ReadCSource digests files below dir, which are named with slashes. Nothing outside of dir is read, also where links lead
// there.
func ReadCSource(dir string, names, flags []string) (*CSource, error) {
	s := &CSource{Flags: flags}
	for _, name := range names {
		data, err := readCFile(dir, name)
		if err != nil {
			return nil, err
		}
		one, sum := sha1.Sum(data), sha256.Sum256(data)
		s.Files = append(s.Files, CFile{Name: name, SHA1: hex.EncodeToString(one[:]), SHA256: hex.EncodeToString(sum[:])})
	}
	return s, nil
}

// copy puts the files of dir under their names below to. A file that is not what it was when it was digested is an error.
func (s *CSource) copy(dir, to string) error {
	for _, f := range s.Files {
		data, err := readCFile(dir, f.Name)
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != f.SHA256 {
			return fmt.Errorf("%s: changed while the release was made", f.Name)
		}
		name := filepath.Join(to, filepath.FromSlash(f.Name))
		if err := atomicfile.MkdirAll(filepath.Dir(name)); err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func readCFile(dir, name string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(filepath.FromSlash(name))
	if err != nil {
		return nil, fmt.Errorf("C file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("C file %s: not a regular file", name)
	}
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, fmt.Errorf("C file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCFile+1))
	if err != nil {
		return nil, fmt.Errorf("C file %s: %w", name, err)
	}
	if len(data) > maxCFile {
		return nil, fmt.Errorf("C file %s: larger than %d bytes", name, maxCFile)
	}
	return data, nil
}
