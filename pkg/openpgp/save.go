package openpgp

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ProtonMail/go-crypto/openpgp/s2k"

	"kubedist/pkg/hint"
)

// SaveOptions say how a secret key is written.
type SaveOptions struct {
	// Passphrase protects the secret: AES-256 under a key that takes some 65 million bytes of SHA-256 to derive, the
	// most that gpg 2.2 knows. Without one the secret is written as it is: a secret still locked stays so.
	Passphrase []byte
	// Rand is where salts come from; nil means the operating system.
	Rand io.Reader
}

// Save writes the secret key, armored, into a new file that its owner alone may read. The directory must exist. A file
// that is already there is left alone, and the error wraps fs.ErrExist; on any other error there is no file.
func (k *Key) Save(ctx context.Context, path string, o SaveOptions) error {
	text, err := k.marshalSecret(o)
	if err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err = writeNew(path, text)
	if errors.Is(err, fs.ErrExist) {
		return hint.Errorf("choose another name with --output, or move the old key away if nothing is signed with it any more",
			"key file %s: %w", path, fs.ErrExist)
	}
	if err != nil {
		return fmt.Errorf("key file %s: %w", path, err)
	}
	return nil
}

// marshalSecret writes the key with its secrets, armored.
func (k *Key) marshalSecret(o SaveOptions) ([]byte, error) {
	if k.Secret() == SecretAbsent {
		return nil, fmt.Errorf("key %s: %w", k.cert, ErrNoSecret)
	}
	config := &packet.Config{
		Rand:          o.Rand,
		DefaultCipher: packet.CipherAES256,
		S2KConfig:     &s2k.Config{S2KMode: s2k.IteratedSaltedS2K, Hash: crypto.SHA256, S2KCount: 65011712},
	}
	if config.Rand == nil {
		config.Rand = rand.Reader
	}
	var data []byte
	for i, p := range k.cert.packets {
		if secret := k.secrets[i]; secret != nil {
			var err error
			if p, err = secretPacket(secret, o.Passphrase, config); err != nil {
				return nil, fmt.Errorf("secret of key %s: %w", k.cert, err)
			}
		}
		data = p.appendTo(data)
	}
	return encodeArmor(armorPrivateKey, data)
}

// secretPacket writes one secret, under a passphrase when there is one. It works on a copy, as protecting a secret
// takes the open one away.
func secretPacket(secret *packet.PrivateKey, passphrase []byte, config *packet.Config) (rawPacket, error) {
	raw, err := onlyPacket(secret.Serialize)
	if err != nil || len(passphrase) == 0 || secret.Encrypted || secret.Dummy() {
		return raw, err
	}
	parsed, err := raw.parse()
	if err != nil {
		return rawPacket{}, err
	}
	locked, ok := parsed.(*packet.PrivateKey)
	if !ok {
		return rawPacket{}, errors.New("a secret that does not read back as one")
	}
	if err := locked.EncryptWithConfig(passphrase, config); err != nil {
		return rawPacket{}, err
	}
	return onlyPacket(locked.Serialize)
}

// writeNew writes a file that must not exist, so that it is there whole or not at all, through a temporary file in the
// same directory that is linked to its name at the end.
func writeNew(path string, data []byte) error {
	dir := filepath.Dir(path)
	// Asked first only to spare the work; the link below decides.
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	tmp, err := os.CreateTemp(dir, ".key-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
