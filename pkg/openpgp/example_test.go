package openpgp_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kubedist/pkg/openpgp"
)

// A key is made once, kept in a file under a passphrase, and loaded wherever a release is signed.
func ExampleGenerate() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "keys")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	key, err := openpgp.Generate(ctx, openpgp.GenerateOptions{
		Algorithm: openpgp.Ed25519,
		Name:      "Example Archive",
		Email:     "archive@example.org",
		Created:   time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		Lifetime:  3 * 365 * 24 * time.Hour,
	})
	if err != nil {
		panic(err)
	}
	path := filepath.Join(dir, "archive.asc")
	passphrase := []byte("read from a file in real life")
	if err := key.Save(ctx, path, openpgp.SaveOptions{Passphrase: passphrase}); err != nil {
		panic(err)
	}
	signer, err := openpgp.LoadFile(ctx, path, openpgp.LoadOptions{
		Passphrase: func(context.Context) ([]byte, error) { return passphrase, nil },
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(signer.Fingerprint() == key.Fingerprint())
	fmt.Println(signer.Public().UserIDs(), signer.Public().Algorithm(), signer.Public().Expires())
	// Output:
	// true
	// [Example Archive <archive@example.org>] ed25519 2028-12-31 00:00:00 +0000 UTC
}

// An InRelease file is made and read back; the keyring is what users have.
func ExampleVerifyClearsigned() {
	ctx := context.Background()
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	key, err := openpgp.Generate(ctx, openpgp.GenerateOptions{Name: "Example Archive", Created: at})
	if err != nil {
		panic(err)
	}
	inRelease, err := key.Clearsign(ctx, []byte("Suite: stable\n"), at)
	if err != nil {
		panic(err)
	}
	keyring, err := openpgp.ParseKeyring(key.Public().Binary())
	if err != nil {
		panic(err)
	}
	text, signers, err := openpgp.VerifyClearsigned(inRelease, keyring, at.Add(time.Hour))
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s%t\n", text, signers[0] == key.Fingerprint())
	changed := bytes.Replace(inRelease, []byte("stable"), []byte("broken"), 1)
	_, _, err = openpgp.VerifyClearsigned(changed, keyring, at.Add(time.Hour))
	fmt.Println(strings.ReplaceAll(err.Error(), key.Fingerprint(), "FINGERPRINT"))
	// Output:
	// Suite: stable
	// true
	// clearsigned file: signature 1: bad signature by FINGERPRINT (Example Archive): it does not fit the data
}

// A key that ends before what it signs does is found before anything is signed.
func ExampleCheck() {
	created := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	key, err := openpgp.Generate(context.Background(), openpgp.GenerateOptions{
		Name: "Example Archive", Created: created, Lifetime: 30 * 24 * time.Hour,
	})
	if err != nil {
		panic(err)
	}
	now := created.AddDate(0, 0, 25)
	for _, f := range openpgp.Check(key.Public(), openpgp.CheckOptions{Now: now, Until: now.AddDate(0, 0, 7)}) {
		fmt.Println(f.Severity, f.Message)
	}
	// Output:
	// error expires on 2026-01-31 00:00 UTC, but is needed until 2026-02-02 00:00 UTC
}
