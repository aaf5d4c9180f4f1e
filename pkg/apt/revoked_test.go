package apt_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	pgp "github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

// revoke gives the public part of a key as its owner publishes it after others may have got the secret.
func revoke(t *testing.T, key *openpgp.Key) *openpgp.Certificate {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key.asc")
	if err := key.Save(t.Context(), file, openpgp.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	data, err := openpgp.ReadKeyFile(file)
	if err != nil {
		t.Fatal(err)
	}
	entities, err := pgp.ReadArmoredKeyRing(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if err := entities[0].RevokeKey(packet.KeyCompromised, "stolen", nil); err != nil {
		t.Fatal(err)
	}
	var public bytes.Buffer
	if err := entities[0].Serialize(&public); err != nil {
		t.Fatal(err)
	}
	certs, err := openpgp.ParseKeyring(public.Bytes())
	if err != nil || len(certs) != 1 || !certs[0].Revoked() {
		t.Fatalf("revoked: %v, %v", certs, err)
	}
	return certs[0]
}

// TestOnlyKeyRevoked: what the only key of an archive has signed is refused once that is revoked, with a hint that leads on.
// It does: the archive is published by a new key, users are told of the old one, and no force is needed after that.
func TestOnlyKeyRevoked(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.publish(all, newDeb(t, "kubeadm", "1.36.1-1.1", "amd64"))
	revoked := revoke(t, a.key)
	a.key = newKey(t, 2)
	publish := func(override ...apt.Refusal) (*apt.Result, error) {
		a.later()
		tx := a.begin()
		defer tx.Close()
		o := a.options()
		o.Keyring, o.Override = []*openpgp.Certificate{revoked}, override
		return tx.Publish(t.Context(), o)
	}
	_, err := publish()
	var refused *apt.RefusedError
	if !errors.As(err, &refused) || len(refused.Problems) != 2 || refused.Problems[0].Refusal != apt.RefusePast || !errors.Is(err, openpgp.ErrRevoked) {
		t.Fatalf("got %v, want a refusal for each suite", err)
	}
	if next := hint.Of(err); !strings.Contains(next, "compare it with a mirror or a backup") || !strings.HasSuffix(next, "and --force past") {
		t.Errorf("hint %q", next)
	}
	result, err := publish(apt.RefusePast)
	if err != nil || result.Suites[0].Reason != "signing keys changed" || !strings.Contains(strings.Join(result.Warnings, "\n"), "overridden: past: suite stable: InRelease on disk: ") {
		t.Fatalf("forced: %+v, %v", result, err)
	}
	a.mustVerify() // with the new key alone
	certs, err := openpgp.ParseKeyring([]byte(a.read(apt.KeyringFile)))
	if err != nil || len(certs) != 2 || certs[0].Revoked() == certs[1].Revoked() {
		t.Errorf("the keyring has %v, %v", certs, err)
	}
	if result, err := publish(); err != nil || result.Suites[0].Published || len(result.Warnings) > 0 {
		t.Errorf("afterwards: %+v, %v", result, err)
	}
}
