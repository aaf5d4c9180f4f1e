package rotation_test

import (
	"context"
	"fmt"
	"time"

	"kubedist/pkg/openpgp"
	"kubedist/pkg/rotation"
)

// An archive signs with one key, and moves to another in the course of 2027.
func Example() {
	const day = 24 * time.Hour
	public := func(name string) *openpgp.Certificate {
		key, err := openpgp.Generate(context.Background(), openpgp.GenerateOptions{Name: name, Created: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			panic(err)
		}
		return key.Public()
	}
	plan := &rotation.Plan{}
	for _, next := range []struct {
		key rotation.Key
		on  time.Time
	}{
		{rotation.Key{Secret: "archive.asc", Public: public("old")}, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)},
		{rotation.Key{Secret: "archive-2027.asc", Public: public("new")}, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		o := rotation.RotateOptions{Now: next.on, Announce: 30 * day, Overlap: 180 * day, ValidFor: 90 * day}
		if _, err := plan.Rotate(next.key, o); err != nil {
			panic(err)
		}
	}
	for _, at := range []time.Time{
		time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 8, 1, 0, 0, 0, 0, time.UTC),
	} {
		fmt.Printf("%s:", at.Format(time.DateOnly))
		for _, k := range plan.Signing(at) {
			fmt.Printf(" %s signs,", k.Public.UserIDs()[0])
		}
		fmt.Printf(" %d in the keyring\n", len(plan.Keyring(at)))
	}
	// Output:
	// 2026-12-31: old signs, 1 in the keyring
	// 2027-01-01: old signs, 2 in the keyring
	// 2027-02-01: old signs, new signs, 2 in the keyring
	// 2027-08-01: new signs, 2 in the keyring
}
