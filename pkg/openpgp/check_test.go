package openpgp

import (
	"strings"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		cert *Certificate
		o    CheckOptions
		want []string // severity, then a part of the message
	}{
		{"ed25519", testCertificate(t, "gpg-ed25519.asc"), CheckOptions{}, nil},
		{"rsa2048", testCertificate(t, "gpg-rsa2048.asc"), CheckOptions{}, nil},
		{"nistp256", testCertificate(t, "gpg-nistp256.asc"), CheckOptions{}, nil},
		{"encryption subkey", testCertificate(t, "gpg-several.asc"), CheckOptions{}, nil},
		{"never ends", testCertificate(t, "gpg-ed25519.asc"), CheckOptions{Until: signed.AddDate(50, 0, 0), WarnBefore: 1e9}, nil},
		{"rsa1024", testCertificate(t, "gpg-rsa1024.asc"), CheckOptions{}, []string{"error 1024 bits"}},
		{"dsa", testCertificate(t, "gpg-dsa2048.asc"), CheckOptions{}, []string{"error dsa2048"}},
		{"brainpool", testCertificate(t, "gpg-brainpoolP256r1.asc"), CheckOptions{}, []string{"error brainpoolP256r1"}},
		{"secp256k1", testCertificate(t, "gpg-secp256k1.asc"), CheckOptions{}, []string{"error secp256k1"}},
		{"revoked", testCertificate(t, "gpg-revoked.asc"), CheckOptions{}, []string{"error revoked"}},
		{"expired", testCertificate(t, "gpg-expired.asc"), CheckOptions{}, []string{"error expired on 2024-01-31"}},
		{"ends too early", testCertificate(t, "gpg-expired.asc"), CheckOptions{Now: created.AddDate(0, 0, 2), Until: created.AddDate(0, 0, 30)}, []string{"error needed until 2024-01-31"}},
		{"just lasts", testCertificate(t, "gpg-expired.asc"), CheckOptions{Now: created.AddDate(0, 0, 2), Until: created.AddDate(0, 0, 29)}, nil},
		{"ends soon", testCertificate(t, "gpg-expired.asc"), CheckOptions{Now: created.AddDate(0, 0, 2), WarnBefore: 28 * 24 * time.Hour}, []string{"warning in 28 days"}},
		{"not soon", testCertificate(t, "gpg-expired.asc"), CheckOptions{Now: created.AddDate(0, 0, 2), WarnBefore: 27 * 24 * time.Hour}, nil},
		{"not yet", testCertificate(t, "gpg-ed25519.asc"), CheckOptions{Now: created.AddDate(0, 0, -1)}, []string{"error begins on 2024-01-01"}},
		{"subkey signs", testCertificate(t, "gpg-subkey.asc"), CheckOptions{}, []string{"warning only this subkey"}},
		{"SHA-1", sha1Certificate(t), CheckOptions{}, []string{"error SHA-1"}},
		{"version 3 signature", version3Certificate(t), CheckOptions{}, []string{"error a version 3 signature packet"}},
		{"no self-signature", unsignedCertificate(t), CheckOptions{}, []string{"error no valid self-signature"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := test.o
			if o.Now.IsZero() {
				o.Now = signed
			}
			findings := Check(test.cert, o)
			// What Check calls an error is what keeps the key from signing, beyond its end, and the other way round.
			if test.o == (CheckOptions{}) {
				refused := test.cert.UsableAt(signed) != nil
				if got := len(findings) > 0 && findings[0].Severity == Error; got != refused {
					t.Errorf("UsableAt: %v, findings %v", test.cert.UsableAt(signed), findings)
				}
			}
			if len(findings) != len(test.want) {
				t.Fatalf("findings are %+v, want %q", findings, test.want)
			}
			for i, f := range findings {
				severity, message, _ := strings.Cut(test.want[i], " ")
				if f.Severity.String() != severity || !strings.Contains(f.Message, message) {
					t.Errorf("finding %+v, want %q", f, test.want[i])
				}
				if f.Hint == "" || f.Subject == "" {
					t.Errorf("finding %+v lacks something", f)
				}
			}
		})
	}
}

// version3Certificate returns a key whose only self-signature is of a version that no verifier here reads.
func version3Certificate(t testing.TB) *Certificate {
	t.Helper()
	key := newTestKey(t, 8, 0)
	id := key.cert.primary.KeyId
	body := []byte{3, 5, 0x13, 0x65, 0x92, 0, 0x80}
	for shift := 56; shift >= 0; shift -= 8 {
		body = append(body, byte(id>>shift))
	}
	body = append(body, 1, 8, 0, 0, 0, 1, 1)
	return unsignedWith(t, key, rawPacket{tagSignature, body})
}

// unsignedCertificate returns a key that nothing binds to its user ID.
func unsignedCertificate(t testing.TB) *Certificate {
	t.Helper()
	return unsignedWith(t, newTestKey(t, 9, 0))
}

func unsignedWith(t testing.TB, key *Key, more ...rawPacket) *Certificate {
	t.Helper()
	var data []byte
	for _, p := range append([]rawPacket{key.cert.packets[0], key.cert.packets[1]}, more...) {
		data = p.appendTo(data)
	}
	certs, err := ParseKeyring(data)
	if err != nil {
		t.Fatal(err)
	}
	return certs[0]
}
