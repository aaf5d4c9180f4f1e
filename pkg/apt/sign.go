package apt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"

	"kubedist/pkg/openpgp"
)

const armorSignature = "PGP SIGNATURE"

// detached signs text with every key and gives one armored block with all the signatures, for Release.gpg.
func detached(ctx context.Context, signers []openpgp.Signer, text []byte, at time.Time) ([]byte, error) {
	var blocks [][]byte
	for _, s := range signers {
		block, err := s.Detached(ctx, bytes.NewReader(text), at)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, block)
	}
	return joinSignatures(blocks)
}

// clearsign signs text with every key and gives one clearsigned file with all the signatures, for InRelease: a client
// that knows any of the keys accepts it, which is how keys are rotated.
func clearsign(ctx context.Context, signers []openpgp.Signer, text []byte, at time.Time) ([]byte, error) {
	var head []byte
	var blocks [][]byte
	for i, s := range signers {
		file, err := s.Clearsign(ctx, text, at)
		if err != nil {
			return nil, err
		}
		begin := bytes.LastIndex(file, []byte("-----BEGIN "+armorSignature+"-----"))
		if begin < 0 {
			return nil, fmt.Errorf("key %s: made no clearsigned file", s.Fingerprint())
		}
		if i > 0 && !bytes.Equal(head, file[:begin]) {
			return nil, fmt.Errorf("key %s: signs with another digest than key %s", s.Fingerprint(), signers[0].Fingerprint())
		}
		head = file[:begin]
		blocks = append(blocks, file[begin:])
	}
	block, err := joinSignatures(blocks)
	if err != nil {
		return nil, err
	}
	return append(bytes.Clone(head), block...), nil
}

// joinSignatures makes one armored block of several: gpgv reads nothing after the first.
func joinSignatures(blocks [][]byte) ([]byte, error) {
	if len(blocks) == 0 {
		return nil, errors.New("signers: none is given")
	}
	if len(blocks) == 1 {
		return blocks[0], nil
	}
	var packets bytes.Buffer
	for _, b := range blocks {
		block, err := armor.Decode(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("armor: %w", err)
		}
		if _, err := io.Copy(&packets, block.Body); err != nil {
			return nil, fmt.Errorf("armor: %w", err)
		}
	}
	var out bytes.Buffer
	w, err := armor.Encode(&out, armorSignature, nil)
	if err != nil {
		return nil, fmt.Errorf("armor: %w", err)
	}
	if _, err := packets.WriteTo(w); err != nil {
		return nil, fmt.Errorf("armor: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("armor: %w", err)
	}
	return append(bytes.TrimRight(out.Bytes(), "\n"), '\n'), nil
}

// certificates lists the public keys of the signers and then others, none twice.
func certificates(signers []openpgp.Signer, others []*openpgp.Certificate) []*openpgp.Certificate {
	var all []*openpgp.Certificate
	seen := map[string]bool{}
	add := func(c *openpgp.Certificate) {
		if !seen[c.Fingerprint()] {
			seen[c.Fingerprint()] = true
			all = append(all, c)
		}
	}
	for _, s := range signers {
		add(s.Public())
	}
	for _, c := range others {
		add(c)
	}
	return all
}

// keyringFiles gives the public keys in the two forms that apt reads, by file name.
func keyringFiles(certs []*openpgp.Certificate) (map[string][]byte, error) {
	binary, err := openpgp.MarshalKeyring(openpgp.BinaryKeyring, certs...)
	if err != nil {
		return nil, err
	}
	armored, err := openpgp.MarshalKeyring(openpgp.ArmoredKeyring, certs...)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{keyringBinary: binary, keyringArmored: armored}, nil
}
