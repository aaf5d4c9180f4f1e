package apt

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"kubedist/pkg/deb"
)

// keyringVersion is the form of the keyring package's version: the day from which on it is right. A second one of a day
// gets a number after that, as in 2026.11.22.1.
const keyringVersion = "2006.01.02"

// addKeyringPackage adds the package with the archive's keyring to every suite that is published, where the definition
// wants it. Its bytes follow from the keys, the definition and the version alone: as long as the newest one that is listed
// is what would be made, it stays. One with other contents gets a higher version, of the day on which the keyring was
// changed, or of today.
func (p *publication) addKeyringPackage(ctx context.Context) error {
	if !p.tree.def.KeyringPackage {
		return nil
	}
	var suites []string
	for _, s := range p.tree.suites {
		if p.publishes(s) {
			suites = append(suites, s.name)
		}
	}
	if len(suites) == 0 {
		return nil
	}
	listed, everywhere, err := p.listedKeyring(ctx, suites)
	if err != nil {
		return err
	}
	version, err := p.keyringPackageFor(ctx, listed)
	if err != nil {
		return err
	}
	p.result.Keyring = version
	if everywhere && version == listed.version && p.tx.pooledSize(listed.filename) == listed.size {
		return nil
	}
	temp, err := p.disk.write(p.keyring)
	if err != nil {
		return err
	}
	_, err = p.tx.add(ctx, []string{p.disk.path(temp)}, AddOptions{Suites: suites})
	return errors.Join(err, removeIfThere(p.disk.path(temp)))
}

// listedKeyring finds the newest keyring package in the suites, nil when none has one, and whether each of them lists it.
// It looks at the indices of one architecture: the package is in those of all.
func (p *publication) listedKeyring(ctx context.Context, suites []string) (newest *entry, everywhere bool, err error) {
	lists := 0
	for _, name := range suites {
		s, err := p.tree.suite(name)
		if err != nil {
			return nil, false, err
		}
		x, err := p.tree.index(ctx, s, indexKey{p.tree.def.Components[0], p.tree.def.Architectures[0]})
		if err != nil {
			return nil, false, err
		}
		var best *entry
		consider := func(e *entry) {
			if e.name == keyringPackage && (best == nil || deb.Compare(e.version, best.version) > 0) {
				best = e
			}
		}
		loaded := x.named(keyringPackage)
		for i := range loaded {
			consider(&loaded[i])
		}
		for _, e := range x.added {
			consider(e)
		}
		switch {
		case best == nil:
		case newest == nil || deb.Compare(best.version, newest.version) > 0:
			newest, lists = best, 1
		case best.key() == newest.key():
			lists++
		}
	}
	return newest, lists == len(suites), nil
}

// keyringPackageFor makes the package, under the listed one's version when that has the same bytes.
func (p *publication) keyringPackageFor(ctx context.Context, listed *entry) (version string, err error) {
	if listed != nil && validKeyringVersion(listed.version) {
		if p.keyring, err = p.makeKeyringPackage(ctx, listed.version); err != nil {
			return "", err
		}
		if digest := sha256.Sum256(p.keyring); hex.EncodeToString(digest[:]) == listed.sha256 {
			return listed.version, nil
		}
	}
	changed := p.options.KeyringDate
	if changed.IsZero() {
		for _, c := range p.certs {
			if c.Created().After(changed) {
				changed = c.Created()
			}
		}
	}
	version = changed.UTC().Format(keyringVersion)
	if listed != nil && deb.Compare(version, listed.version) <= 0 {
		version = p.options.Now.UTC().Format(keyringVersion)
	}
	if listed != nil && deb.Compare(version, listed.version) <= 0 {
		version = nextKeyringVersion(listed.version)
	}
	for ; ; version = nextKeyringVersion(version) {
		if p.keyring, err = p.makeKeyringPackage(ctx, version); err != nil {
			return "", err
		}
		// A file that no index lists any more may be in the way, with other contents.
		digest := sha256.Sum256(p.keyring)
		name := poolPath(p.tree.def.Components[0], keyringPackage, keyringPackage+"_"+version+"_all.deb")
		there, _, err := hashFile(ctx, p.disk.path(name))
		if errors.Is(err, fs.ErrNotExist) || err == nil && there == hex.EncodeToString(digest[:]) {
			return version, nil
		}
		if err != nil {
			return "", err
		}
	}
}

// validKeyringVersion reports whether a version is one that this package gives.
func validKeyringVersion(version string) bool {
	if len(version) < len(keyringVersion) {
		return false
	}
	_, err := time.Parse(keyringVersion, version[:len(keyringVersion)])
	return err == nil && (len(version) == len(keyringVersion) || version[len(keyringVersion)] == '.')
}

// nextKeyringVersion gives the next version of the same day.
func nextKeyringVersion(version string) string {
	if !validKeyringVersion(version) {
		return version + ".1"
	}
	day, number := version[:len(keyringVersion)], strings.TrimPrefix(version[len(keyringVersion):], ".")
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil && number != "" {
		return version + ".1"
	}
	return day + "." + strconv.FormatUint(n+1, 10)
}
