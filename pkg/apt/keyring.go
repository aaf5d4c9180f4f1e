package apt

import (
	"slices"

	"kubedist/pkg/openpgp"
)

// certificates lists the public keys of the signers and then others, none twice. Of two exports of one key the one
// counts that says more: that it is revoked, or that it was extended.
func certificates(signers []openpgp.Signer, others []*openpgp.Certificate) []*openpgp.Certificate {
	var all []*openpgp.Certificate
	add := func(c *openpgp.Certificate) {
		i := slices.IndexFunc(all, func(o *openpgp.Certificate) bool { return o.Fingerprint() == c.Fingerprint() })
		switch {
		case i < 0:
			all = append(all, c)
		case saysMore(c, all[i]):
			all[i] = c
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

// saysMore reports whether the export a of a key is younger than b, as far as that matters.
func saysMore(a, b *openpgp.Certificate) bool {
	if a.Revoked() != b.Revoked() {
		return a.Revoked()
	}
	return !b.Expires().IsZero() && (a.Expires().IsZero() || a.Expires().After(b.Expires()))
}

// public gives the public key of a signer as the archive knows it.
func (p *publication) public(signer openpgp.Signer) *openpgp.Certificate {
	for _, c := range p.certs {
		if c.Fingerprint() == signer.Fingerprint() {
			return c
		}
	}
	return signer.Public()
}

// signedAsNow reports whether the published InRelease carries good signatures of all keys that sign now and of none else.
// Signed-By does not tell: it names keys before they sign.
func (p *publication) signedAsNow(past *place) bool {
	at := past.release.Date
	if p.options.Now.After(at) {
		at = p.options.Now
	}
	_, signed, err := openpgp.VerifyClearsigned(past.signed, p.certs, at)
	if err != nil || len(signed) != len(p.options.Signers) {
		return false
	}
	for _, signer := range p.options.Signers {
		if !slices.Contains(signed, signer.Fingerprint()) {
			return false
		}
	}
	return true
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
