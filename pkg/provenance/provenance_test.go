package provenance_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"kubedist/pkg/openpgp"
	"kubedist/pkg/provenance"
)

var at = time.Date(2026, 7, 22, 18, 7, 38, 0, time.UTC)

func newKey(t testing.TB) *openpgp.Key {
	t.Helper()
	key, err := openpgp.Generate(t.Context(), openpgp.GenerateOptions{Name: "test", Created: at.AddDate(-1, 0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newEd25519 writes a key file as openssl does, and loads it.
func newEd25519(t testing.TB) *provenance.Ed25519 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.pem")
	writeKey(t, path, 0o600)
	key, err := provenance.LoadEd25519(path)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

const someDigest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // of nothing

// payload is a statement about some files.
func payload(t testing.TB, names ...string) []byte {
	t.Helper()
	var subjects []provenance.Resource
	for _, name := range names {
		subjects = append(subjects, provenance.Resource{Name: name, Digest: map[string]string{"sha256": someDigest}})
	}
	s, err := provenance.New(subjects, provenance.Predicate{
		BuildDefinition: provenance.BuildDefinition{
			BuildType: provenance.BuildType, External: provenance.External{Version: "v1.36.3", Platforms: []string{"linux/amd64"}},
			Dependencies: []provenance.Resource{{URI: "pkg:golang/z@v1"}, {URI: "pkg:golang/a@v1"}},
		},
		RunDetails: provenance.RunDetails{Builder: provenance.Builder{ID: provenance.BuilderID("D127")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func sign(t testing.TB, payload []byte, signers ...provenance.Signer) []byte {
	t.Helper()
	data, err := provenance.Sign(t.Context(), payload, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestPAE has the vector of DSSE's protocol.md.
func TestPAE(t *testing.T) {
	t.Parallel()
	if got := string(provenance.PAE("http://example.com/HelloWorld", []byte("hello world"))); got != "DSSEv1 29 http://example.com/HelloWorld 11 hello world" {
		t.Errorf("got %q", got)
	}
}

func TestStatement(t *testing.T) {
	t.Parallel()
	got := string(payload(t, "b", "a"))
	if !strings.HasPrefix(got, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":{"sha256":"`+someDigest+`"}},{"name":"b"`) ||
		!strings.Contains(got, `"predicateType":"https://slsa.dev/provenance/v1"`) || strings.Index(got, "golang/a@") > strings.Index(got, "golang/z@") {
		t.Errorf("got %s", got)
	}
	good := provenance.Predicate{BuildDefinition: provenance.BuildDefinition{BuildType: "x"}, RunDetails: provenance.RunDetails{Builder: provenance.Builder{ID: "x"}}}
	digest := map[string]string{"sha256": someDigest}
	for name, subjects := range map[string][]provenance.Resource{
		"nothing":      nil,
		"a name twice": {{Name: "a", Digest: digest}, {Name: "a", Digest: digest}},
		"no name":      {{Digest: digest}},
		"no digest":    {{Name: "a"}},
		"upper case":   {{Name: "a", Digest: map[string]string{"sha256": strings.ToUpper(someDigest)}}},
	} {
		if _, err := provenance.New(subjects, good); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestDirHash(t *testing.T) {
	t.Parallel()
	// The example of in-toto's digest_set.md.
	got, err := provenance.DirHash("h1:Khu2En+0gcYPZ2kuIihfswbzxv/mIHXgzPZ018Oty48=")
	if err != nil || got["dirHash"] != "2a1bb6127fb481c60f67692e22285fb306f3c6ffe62075e0ccf674d7c3adcb8f" {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "h1:", "h1:AAAA", "Khu2En+0gcYPZ2kuIihfswbzxv/mIHXgzPZ018Oty48=", "h2:Khu2En+0gcYPZ2kuIihfswbzxv/mIHXgzPZ018Oty48="} {
		if got, err := provenance.DirHash(bad); err == nil {
			t.Errorf("%q: got %v", bad, got)
		}
	}
}

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	one, two, stranger := newKey(t), newKey(t), newKey(t)
	raw, other := newEd25519(t), newEd25519(t)
	signers := []provenance.Signer{provenance.OpenPGP(one, at), provenance.OpenPGP(two, at), raw}
	data := sign(t, payload(t, "a", "b"), signers...)
	if again := sign(t, payload(t, "a", "b"), signers...); !bytes.Equal(data, again) {
		t.Error("signing again gives other bytes")
	}
	if bytes.Count(data, []byte("\n")) != 1 || data[len(data)-1] != '\n' {
		t.Error("the envelope is not one line")
	}
	ring := func(keys ...*openpgp.Key) (list []*openpgp.Certificate) {
		for _, k := range keys {
			list = append(list, k.Public())
		}
		return list
	}
	for name, c := range map[string]struct {
		options provenance.VerifyOptions
		want    []string // signers
		err     error
	}{
		"one key":                 {provenance.VerifyOptions{Keyring: ring(one)}, []string{one.Fingerprint()}, nil},
		"the other":               {provenance.VerifyOptions{Keyring: ring(stranger, two)}, []string{two.Fingerprint()}, nil},
		"all":                     {provenance.VerifyOptions{Keyring: ring(two, one), Ed25519: []ed25519.PublicKey{raw.Public()}}, []string{one.Fingerprint(), two.Fingerprint(), raw.KeyID()}, nil},
		"no OpenPGP":              {provenance.VerifyOptions{Ed25519: []ed25519.PublicKey{raw.Public()}}, []string{raw.KeyID()}, nil},
		"a stranger":              {provenance.VerifyOptions{Keyring: ring(stranger)}, nil, provenance.ErrUnknownSigner},
		"nobody":                  {provenance.VerifyOptions{}, nil, provenance.ErrUnknownSigner},
		"a plain key that is not": {provenance.VerifyOptions{Keyring: ring(one), Ed25519: []ed25519.PublicKey{other.Public()}}, nil, provenance.ErrBadSignature},
		"before the signature":    {provenance.VerifyOptions{Keyring: ring(one), Now: at.Add(-time.Hour)}, nil, openpgp.ErrBadSignature},
	} {
		if c.options.Now.IsZero() {
			c.options.Now = at
		}
		s, got, err := provenance.Verify(t.Context(), data, c.options)
		if !errors.Is(err, c.err) || strings.Join(got, " ") != strings.Join(c.want, " ") {
			t.Errorf("%s: signed by %q, %v; want %q, %v", name, got, err, c.want, c.err)
		}
		if err == nil && (len(s.Subject) != 2 || s.Predicate.BuildDefinition.External.Version != "v1.36.3") {
			t.Errorf("%s: statement %+v", name, s)
		}
	}
}

// TestVerifyRefuses changes an envelope in ways that have to be noticed.
func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	good := string(sign(t, payload(t, "a"), provenance.OpenPGP(key, at)))
	encoded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	other := encoded(strings.Replace(string(payload(t, "a")), `"a"`, `"b"`, 1))
	var e struct{ Payload string }
	if err := json.Unmarshal([]byte(good), &e); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ data, want string }{
		"another payload":      {strings.Replace(good, e.Payload, other, 1), "it does not fit the data"},
		"another type":         {strings.Replace(good, provenance.PayloadType, "text/plain", 1), `payload of type "text/plain"`},
		"no signature":         {`{"payloadType":"` + provenance.PayloadType + `","payload":"","signatures":[]}`, "0 signatures"},
		"no base64":            {strings.Replace(good, e.Payload, "%", 1), "payload: illegal base64"},
		"stray bits":           {strings.Replace(good, e.Payload, "YR==", 1), "payload: illegal base64"},
		"two envelopes":        {good + good, "something after its end"},
		"half of one":          {good[:len(good)/2], "unexpected EOF"},
		"an empty signature":   {`{"payloadType":"` + provenance.PayloadType + `","payload":"","signatures":[{"sig":""}]}`, "signature 1: 0 bytes"},
		"seventeen":            {`{"payloadType":"` + provenance.PayloadType + `","payload":"","signatures":[` + strings.Repeat(`{"sig":"YQ=="},`, 16) + `{"sig":"YQ=="}]}`, "17 signatures"},
		"no statement":         {string(sign(t, []byte("text"), provenance.OpenPGP(key, at))), "statement: "},
		"another predicate":    {string(sign(t, bytes.Replace(payload(t, "a"), []byte("provenance/v1"), []byte("vsa/v1"), 1), provenance.OpenPGP(key, at))), "its predicate is"},
		"another statement":    {string(sign(t, bytes.Replace(payload(t, "a"), []byte("Statement/v1"), []byte("Statement/v2"), 1), provenance.OpenPGP(key, at))), "of type"},
		"two statements":       {string(sign(t, bytes.Repeat(payload(t, "a"), 2), provenance.OpenPGP(key, at))), "something after its end"},
		"a signature of noise": {`{"payloadType":"` + provenance.PayloadType + `","payload":"YQ==","signatures":[{"sig":"` + encoded("noise") + `"}]}`, "not signed by a known key"},
	} {
		_, _, err := provenance.Verify(t.Context(), []byte(c.data), provenance.VerifyOptions{Keyring: []*openpgp.Certificate{key.Public()}, Now: at})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, c.want)
		}
	}
	// What DSSE has consumers take: unknown fields, a wrong key id, the other alphabet.
	lenient := strings.Replace(good, `{"payloadType"`, `{"more":1,"payloadType"`, 1)
	lenient = strings.Replace(lenient, key.Fingerprint(), "someone", 1)
	lenient = strings.Replace(lenient, e.Payload, strings.NewReplacer("+", "-", "/", "_").Replace(e.Payload), 1)
	if _, _, err := provenance.Verify(t.Context(), []byte(lenient), provenance.VerifyOptions{Keyring: []*openpgp.Certificate{key.Public()}, Now: at}); err != nil {
		t.Errorf("an envelope as others write it: %v", err)
	}
}

// verifier is a key as go-securesystemslib wants it, without an id of its own.
type verifier struct{ key ed25519.PublicKey }

func (v verifier) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(v.key, data, sig) {
		return errors.New("bad signature")
	}
	return nil
}
func (v verifier) KeyID() (string, error)   { return "", nil }
func (v verifier) Public() crypto.PublicKey { return v.key }

// TestOthersVerify has the library that sigstore and in-toto verify with take an envelope.
func TestOthersVerify(t *testing.T) {
	t.Parallel()
	raw, other := newEd25519(t), newEd25519(t)
	var e dsse.Envelope
	if err := json.Unmarshal(sign(t, payload(t, "a"), provenance.OpenPGP(newKey(t), at), raw), &e); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[*provenance.Ed25519]bool{raw: true, other: false} {
		v, err := dsse.NewEnvelopeVerifier(verifier{key.Public()})
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := v.Verify(t.Context(), &e)
		if (err == nil) != want || want && (len(accepted) != 1 || accepted[0].KeyID != raw.KeyID()) {
			t.Errorf("accepted %v, %v; want %v", accepted, err, want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	key, err := openpgp.Generate(f.Context(), openpgp.GenerateOptions{Name: "test", Created: at})
	if err != nil {
		f.Fatal(err)
	}
	data := sign(f, payload(f, "a", "b"), provenance.OpenPGP(key, at), newEd25519(f))
	f.Add(data)
	f.Add(bytes.Replace(data, []byte(`"sig":"`), []byte(`"sig":"A`), 1))
	ring := []*openpgp.Certificate{key.Public()}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, signers, err := provenance.Verify(t.Context(), data, provenance.VerifyOptions{Keyring: ring, Now: at})
		if err == nil && (len(signers) == 0 || len(s.Subject) != 2) {
			t.Fatalf("verified %q by %v", data, signers)
		}
	})
}
