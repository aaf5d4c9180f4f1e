package closure

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

// hostKeyrings are where package debian-archive-keyring, by its various versions, keeps the keys of the Debian archive.
// Each file holds some of them; those that are there all count.
var hostKeyrings = []string{
	"usr/share/keyrings/debian-archive-keyring.gpg",
	"usr/share/keyrings/debian-archive-keyring.pgp",
	"etc/apt/trusted.gpg.d/debian-archive-*.asc",
	"etc/apt/trusted.gpg.d/debian-archive-*.gpg",
}

// HostKeyring returns the keys of the Debian archive that a Debian system has, given its root directory. Without any, the
// error says how to name some.
func HostKeyring(root string) ([]*openpgp.Certificate, error) {
	var files []string
	for _, pattern := range hostKeyrings {
		found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	keys, err := ReadKeyrings(files...)
	if err == nil && len(keys) == 0 {
		err = hint.Errorf("install debian-archive-keyring, or name a keyring with --keyring", "keys of the Debian archive: there are none on this machine")
	}
	return keys, err
}

// ReadKeyrings reads the keys of keyring files, binary or armored, each key once. A file that a link leads nowhere from
// is passed over.
func ReadKeyrings(files ...string) ([]*openpgp.Certificate, error) {
	var all []*openpgp.Certificate
	seen := map[string]bool{}
	for _, name := range files {
		data, err := openpgp.ReadKeyFile(name)
		if errors.Is(err, fs.ErrNotExist) && isLink(name) {
			continue
		}
		if err != nil {
			return nil, err
		}
		keys, err := openpgp.ParseKeyring(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, k := range keys {
			if !seen[k.Fingerprint()] {
				seen[k.Fingerprint()] = true
				all = append(all, k)
			}
		}
	}
	return all, nil
}

func isLink(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}
