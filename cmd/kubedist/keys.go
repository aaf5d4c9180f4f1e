package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/rotation"
)

// archiveKeys are the keys of an archive at one time.
type archiveKeys struct {
	Signers []openpgp.Signer // at least one; the first signs packages too
	Next    []*openpgp.Certificate
	Keyring []*openpgp.Certificate
	Changed time.Time // of the keyring; zero when nobody says
}

// keysFile is where the plan of an archive's keys lies: beside its definition.
func (o *archiveOptions) keysFile() string {
	dir := "repo"
	if o.definition != "" {
		dir = filepath.Dir(o.definition)
	}
	return filepath.Join(dir, rotation.FileName)
}

// loadPlan reads a plan of keys. That there is none is a nil plan.
func loadPlan(file string) (*rotation.Plan, error) {
	plan, err := rotation.Load(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return plan, usageError(err)
}

// loadKeys opens the keys that sign at the time at: those that flags or the environment name, else those of the plan in
// file, else the development key. They must be good then, and today: what SOURCE_DATE_EPOCH says does not bring an expired
// key back, whose signatures no client accepts.
func loadKeys(ctx context.Context, env *environment, o signerOptions, file string, at time.Time) (*archiveKeys, error) {
	plan, err := loadPlan(file)
	if err != nil {
		return nil, err
	}
	usable := at
	if now := env.Now(); now.After(at) {
		usable = now
	}
	places := o.places(env)
	var planned []rotation.Key
	if plan != nil {
		planned = plan.Signing(at)
		if len(places) == 0 {
			if places, err = planPlaces(planned, file); err != nil {
				return nil, usageError(err)
			}
		}
	}
	keys := &archiveKeys{}
	secrets := &passphrases{files: o.PassphraseFiles}
	for _, place := range places {
		s, err := openSigner(ctx, env, place, secrets, usable)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(keys.Signers, func(other openpgp.Signer) bool { return other.Fingerprint() == s.Fingerprint() }) {
			return nil, usageError(fmt.Errorf("key %s: named twice", s.Fingerprint()))
		}
		keys.Signers = append(keys.Signers, s)
	}
	if len(o.places(env)) == 0 {
		if err := asPlanned(keys.Signers, planned, file); err != nil {
			return nil, usageError(err)
		}
	}
	if len(places) == 0 {
		s, err := developmentKey(ctx, env)
		if err != nil {
			return nil, err
		}
		keys.Signers = []openpgp.Signer{s}
	}
	if plan != nil {
		keys.Keyring, keys.Changed = plan.Keyring(at), plan.Changed(at)
		for _, k := range plan.Next(at) {
			keys.Next = append(keys.Next, k.Public)
		}
		warnUnplanned(env, keys.Signers, planned, file)
	}
	return keys, nil
}

// planPlaces says where the secrets of planned keys are.
func planPlaces(planned []rotation.Key, file string) ([]string, error) {
	if len(planned) == 0 {
		return nil, hint.Errorf("make one and let it follow: kubedist key new, then kubedist key rotate", "%s: no key signs any more", file)
	}
	var places []string
	for _, k := range planned {
		switch {
		case k.Secret == "":
			return nil, hint.Errorf("name the keys that sign with --key", "%s: key %s signs, but nobody says where its secret is", file, k.Public)
		case strings.HasPrefix(k.Secret, rotation.GnuPGPrefix), filepath.IsAbs(k.Secret):
			places = append(places, k.Secret)
		default:
			places = append(places, filepath.Join(filepath.Dir(file), k.Secret))
		}
	}
	return places, nil
}

// asPlanned refuses another key in the place of a planned one.
func asPlanned(signers []openpgp.Signer, planned []rotation.Key, file string) error {
	for i, s := range signers {
		if want := planned[i]; s.Fingerprint() != want.Public.Fingerprint() {
			return hint.Errorf("put the right key there, or name the keys that sign with --key", "%s: key %s is not the one in %s, %s", file, want.Public.Fingerprint(), want.Secret, s.Fingerprint())
		}
	}
	return nil
}

// warnUnplanned says where the keys that sign are not those of the plan: somebody named them by hand.
func warnUnplanned(env *environment, signers []openpgp.Signer, planned []rotation.Key, file string) {
	for _, s := range signers {
		if !slices.ContainsFunc(planned, func(k rotation.Key) bool { return k.Public.Fingerprint() == s.Fingerprint() }) {
			fmt.Fprintf(env.Stderr, "warning: key %s signs, though %s does not have it sign now\n", s.Fingerprint(), file)
		}
	}
	for _, k := range planned {
		if !slices.ContainsFunc(signers, func(s openpgp.Signer) bool { return k.Public.Fingerprint() == s.Fingerprint() }) {
			fmt.Fprintf(env.Stderr, "warning: key %s does not sign, though %s has it sign now\n", k.Public.Fingerprint(), file)
		}
	}
}
