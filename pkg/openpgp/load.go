package openpgp

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"kubedist/pkg/hint"
)

// LoadOptions say how a secret key is opened.
type LoadOptions struct {
	// Passphrase is asked when the secret is locked. Nil, or one that returns no bytes, means there is none.
	Passphrase func(ctx context.Context) ([]byte, error)
	// At is when the key is going to sign; a key that cannot then is an error. The zero time leaves this to the
	// signing itself.
	At time.Time
}

// LoadFile is [Load] for the content of a file. Its errors name the file.
func LoadFile(ctx context.Context, path string, o LoadOptions) (*Key, error) {
	data, err := ReadKeyFile(path)
	if err != nil {
		return nil, err
	}
	key, err := Load(ctx, data, o)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return key, nil
}

// Load returns the one key in data that has a secret, unlocked and ready to sign. Public keys beside it are passed
// over. The error wraps ErrNotKey, ErrNoSecret, ErrSeveralKeys, ErrLocked, ErrWrongPassphrase or, when o.At is given,
// what keeps the key from signing then: one of the errors of [Certificate.UsableAt].
func Load(ctx context.Context, data []byte, o LoadOptions) (*Key, error) {
	keys, err := Parse(data)
	if err != nil {
		return nil, err
	}
	var key *Key
	for _, k := range keys {
		if k.Secret() == SecretAbsent {
			continue
		}
		if key != nil {
			return nil, hint.Errorf("export the one that shall sign alone: gpg --export-secret-keys --armor FINGERPRINT",
				"%w: %s and %s", ErrSeveralKeys, key.cert, k.cert)
		}
		key = k
	}
	if key == nil {
		return nil, keys[0].ready()
	}
	if key.Secret() == SecretLocked && o.Passphrase != nil {
		passphrase, err := o.Passphrase(ctx)
		if err != nil {
			return nil, fmt.Errorf("passphrase of key %s: %w", key.cert, err)
		}
		if len(passphrase) > 0 {
			if err := key.Unlock(passphrase); err != nil {
				return nil, err
			}
		}
	}
	if o.At.IsZero() {
		err = key.ready()
	} else {
		_, err = key.signingSecret(o.At)
	}
	if err != nil {
		return nil, err
	}
	return key, nil
}

// ReadKeyFile reads a key file or keyring of at most 1 MiB.
func ReadKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, hint.With(fmt.Errorf("key file: %w", err), "give the path of a key file; kubedist key new makes one")
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	if len(data) > maxKeyFile {
		return nil, fmt.Errorf("key file %s: %w: more than %d bytes", path, ErrNotKey, maxKeyFile)
	}
	return data, nil
}
