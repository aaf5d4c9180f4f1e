package rotation_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/rotation"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const validFor = 180 * days

const days = 24 * time.Hour

func date(text string) time.Time {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return at
}

// newKey makes a key that begins in 2025 and is the same for the same number.
func newKey(t testing.TB, n byte, lifetime time.Duration) *openpgp.Certificate {
	t.Helper()
	key, err := openpgp.Generate(t.Context(), openpgp.GenerateOptions{
		Name: fmt.Sprintf("Archive %d", n), Created: date("2025-01-01"), Lifetime: lifetime, Rand: rand.NewChaCha8([32]byte{n}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return key.Public()
}

// names gives the user IDs' numbers of keys.
func names[T any](list []T) string {
	var all []string
	for _, x := range list {
		var c *openpgp.Certificate
		switch x := any(x).(type) {
		case rotation.Key:
			c = x.Public
		case *openpgp.Certificate:
			c = x
		}
		all = append(all, strings.TrimPrefix(c.UserIDs()[0], "Archive "))
	}
	return strings.Join(all, " ")
}

// rotated is a plan of three keys, with the days of its two rotations.
func rotated(t testing.TB) *rotation.Plan {
	t.Helper()
	p := &rotation.Plan{}
	for i, step := range []struct {
		day   string
		place string
	}{{"2026-01-10", "keys/one.asc"}, {"2027-01-10", "gpg:"}, {"2028-01-10", ""}} {
		cert := newKey(t, byte(i+1), 0)
		if step.place == rotation.GnuPGPrefix {
			step.place += cert.Fingerprint()
		}
		_, err := p.Rotate(rotation.Key{Secret: step.place, Public: cert}, rotation.RotateOptions{
			Now: date(step.day).Add(13 * time.Hour), Announce: 30 * days, Overlap: 180 * days, ValidFor: validFor,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestOverTime(t *testing.T) {
	t.Parallel()
	p := rotated(t)
	for _, test := range []struct{ at, signing, next, keyring, changed string }{
		{"2024-06-01", "1", "", "1", "2026-01-10"}, // an older release, made again
		{"2026-01-10", "1", "", "1", "2026-01-10"},
		{"2027-01-09", "1", "", "1", "2026-01-10"},
		{"2027-01-10", "1", "2", "1 2", "2027-01-10"},
		{"2027-02-08", "1", "2", "1 2", "2027-01-10"},
		{"2027-02-09", "1 2", "", "1 2", "2027-01-10"},
		{"2027-08-07", "1 2", "", "1 2", "2027-01-10"},
		{"2027-08-08", "2", "", "1 2", "2027-01-10"},
		{"2028-01-10", "2", "3", "1 2 3", "2028-01-10"},
		{"2028-08-07", "3", "", "1 2 3", "2028-01-10"},
		{"2031-01-01", "3", "", "1 2 3", "2028-01-10"},
	} {
		at := date(test.at)
		got := fmt.Sprint(names(p.Signing(at)), "|", names(p.Next(at)), "|", names(p.Keyring(at)), "|", p.Changed(at).Format(time.DateOnly))
		if want := fmt.Sprint(test.signing, "|", test.next, "|", test.keyring, "|", test.changed); got != want {
			t.Errorf("on %s: %s, want %s", test.at, got, want)
		}
	}
}

// What is written is read back as it was, and its form is pinned: people edit it.
func TestSaveLoad(t *testing.T) {
	t.Parallel()
	p := rotated(t)
	file := filepath.Join(t.TempDir(), rotation.FileName)
	if _, err := rotation.Load(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := p.Save(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "keys.yaml")
	if *update {
		if err := os.WriteFile(golden, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != string(want) {
		t.Errorf("%s differs; go test -update rewrites it; got\n%s", golden, text)
	}
	again, err := rotation.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := again.Text(); err != nil || string(second) != string(text) {
		t.Errorf("read and written again it is\n%s%v", second, err)
	}
	awkward := &rotation.Plan{Keys: slices.Clone(p.Keys[:1])}
	awkward.Keys[0].Secret = "it's: a #key {x}.asc"
	if text, err = awkward.Text(); err != nil {
		t.Fatal(err)
	}
	if again, err = rotation.Parse("awkward", text); err != nil || again.Keys[0].Secret != awkward.Keys[0].Secret {
		t.Errorf("an awkward path comes back as %+v, %v", again, err)
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	now := date("2026-01-10").Add(time.Hour)
	options := rotation.RotateOptions{Now: now, Announce: 30 * days, Overlap: 180 * days, ValidFor: validFor}
	first := func(t *testing.T, lifetime time.Duration) *rotation.Plan {
		p := &rotation.Plan{}
		if _, err := p.Rotate(rotation.Key{Public: newKey(t, 1, lifetime)}, rotation.RotateOptions{Now: date("2025-06-01"), ValidFor: validFor}); err != nil {
			t.Fatal(err)
		}
		return p
	}
	t.Run("a compromised key", func(t *testing.T) {
		p := first(t, 0)
		at := options
		at.Announce, at.Overlap = 0, 0
		if _, err := p.Rotate(rotation.Key{Public: newKey(t, 2, 0)}, at); err != nil {
			t.Fatal(err)
		}
		if got := names(p.Signing(now)); got != "2" {
			t.Errorf("on the same day %s signs", got)
		}
	})
	t.Run("a key that is compromised on its first day", func(t *testing.T) {
		p := &rotation.Plan{}
		for n := range byte(2) {
			if _, err := p.Rotate(rotation.Key{Public: newKey(t, n+1, 0)}, rotation.RotateOptions{Now: now, ValidFor: validFor}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.Text(); err != nil || names(p.Signing(now)) != "2" {
			t.Errorf("%s signs, %v", names(p.Signing(now)), err)
		}
	})
	t.Run("after the only key was revoked", func(t *testing.T) {
		data, err := openpgp.ReadKeyFile("../openpgp/testdata/gpg-revoked.asc")
		if err != nil {
			t.Fatal(err)
		}
		keys, err := openpgp.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		from, until := date("2026-01-02"), date("2026-01-08")
		p := &rotation.Plan{Keys: []rotation.Key{{Public: keys[0].Public(), Announced: from, SignsFrom: from, SignsUntil: until}}}
		key, err := p.Rotate(rotation.Key{Public: newKey(t, 2, 0)}, options)
		if err != nil || !key.SignsFrom.Equal(date("2026-01-10")) || !p.Keys[0].SignsUntil.Equal(until) {
			t.Errorf("the new key signs from %s, the old one until %s, %v", key.SignsFrom, p.Keys[0].SignsUntil, err)
		}
		text, err := p.Text()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := rotation.Parse("keys.yaml", text); err != nil || len(again.Signing(now)) != 1 || again.Signing(now)[0].Public.Fingerprint() != key.Public.Fingerprint() {
			t.Errorf("read again: %+v, %v", again, err)
		}
	})
	t.Run("an old key that ends in the overlap", func(t *testing.T) {
		p := first(t, 365*days+30*days+100*days+validFor) // until 2026-05-11, less what it signs is good for
		key, err := p.Rotate(rotation.Key{Public: newKey(t, 2, 0)}, options)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Keys[0].SignsUntil; !got.Equal(date("2026-05-11")) || !key.SignsFrom.Equal(date("2026-02-09")) {
			t.Errorf("the old key signs until %s, the new one from %s", got, key.SignsFrom)
		}
	})
	for _, test := range []struct {
		name, says string
		plan       *rotation.Plan
		next       *openpgp.Certificate
	}{
		{"the same key", "in the plan already", first(t, 0), newKey(t, 1, 0)},
		{"a key that ends too soon", "is needed until", first(t, 0), newKey(t, 2, 400*days)},
		{"an old key that ends before", "can sign until 2026-01-20 alone", first(t, 365*days+19*days+validFor), newKey(t, 2, 0)},
		{"one after the other", "under way", func() *rotation.Plan {
			p := first(t, 0)
			if _, err := p.Rotate(rotation.Key{Public: newKey(t, 2, 0)}, options); err != nil {
				t.Fatal(err)
			}
			return p
		}(), newKey(t, 3, 0)},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := slices.Clone(test.plan.Keys)
			_, err := test.plan.Rotate(rotation.Key{Public: test.next}, options)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want one that says %q", err, test.says)
			}
			if !slices.Equal(before, test.plan.Keys) {
				t.Error("the plan is another one")
			}
		})
	}
}

func TestRenew(t *testing.T) {
	t.Parallel()
	// Made from one secret: the same key with another end.
	short, long, other := newKey(t, 1, 400*days), newKey(t, 1, 800*days), newKey(t, 2, 0)
	if short.Fingerprint() != long.Fingerprint() {
		t.Fatal("the test's keys are two")
	}
	p := &rotation.Plan{}
	if _, err := p.Rotate(rotation.Key{Secret: "one.asc", Public: short}, rotation.RotateOptions{Now: date("2025-06-01"), ValidFor: validFor}); err != nil {
		t.Fatal(err)
	}
	before := p.Keys[0]
	for _, test := range []struct {
		name    string
		cert    *openpgp.Certificate
		changed bool
		says    string
	}{
		{"as it is", short, false, ""},
		{"extended", long, true, ""},
		{"an older export", short, false, "older export"},
		{"another key", other, false, "not in the plan"},
	} {
		changed, err := p.Renew(test.cert, date("2026-01-01"))
		if changed != test.changed || (err == nil) != (test.says == "") || err != nil && (!strings.Contains(err.Error(), test.says) || hint.Of(err) == "") {
			t.Errorf("%s: %t, %v, hint %q", test.name, changed, err, hint.Of(err))
		}
	}
	before.Public = long // and nothing else
	if p.Keys[0] != before {
		t.Errorf("the plan has %+v, want %+v", p.Keys[0], before)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	text, err := rotated(t).Text()
	if err != nil {
		t.Fatal(err)
	}
	one, two := newKey(t, 1, 0).Fingerprint(), newKey(t, 2, 0).Fingerprint()
	for _, test := range []struct {
		name     string
		from, to string
		says     string
	}{
		{"unknown field", "announced: 2026-01-10", "announced: 2026-01-10\n    comment: x", "keys.yaml:9: "},
		{"no date", "announced: 2026-01-10", "announced: soon", `keys.yaml:8: keys[0].announced: "soon" is no date`},
		{"signs before it is announced", "announced: 2026-01-10", "announced: 2026-01-11", "keys.yaml:9: keys[0].signs-from: before"},
		{"ends before it begins", "signs-until: 2027-08-08", "signs-until: 2025-08-08", "keys.yaml:10: keys[0].signs-until: before"},
		{"younger than its service", "signs-from: 2026-01-10", "signs-from: 2024-01-10", "keys[0].signs-from: "},
		{"a day without a key", "signs-until: 2027-08-08", "signs-until: 2027-01-08", "keys[0].signs-until: no key signs on 2027-01-08"},
		{"another fingerprint", "fingerprint: " + one, "fingerprint: " + two, "keys[0].fingerprint: "},
		{"another key in GnuPG", "gpg:" + two, "gpg:" + one, "keys[1].secret: "},
		{"no key", "BEGIN PGP PUBLIC KEY BLOCK", "BEGIN PGP", "keys[0].public: "},
		{"no keys", string(text), "keys: []\n", "keys: missing"},
		{"nothing", string(text), "", "keys: missing"},
		{"two documents", "keys:\n", "keys: []\n---\nkeys:\n", "more than one document"},
		{"no YAML", "keys:\n", "keys: [\n", "keys.yaml:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			changed := strings.Replace(string(text), test.from, test.to, 1)
			if changed == string(text) {
				t.Fatalf("the plan has no %q", test.from)
			}
			if _, err := rotation.Parse("keys.yaml", []byte(changed)); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want one that says %q", err, test.says)
			}
		})
	}
	twice := strings.SplitAfter(string(text), "keys:\n")
	if _, err := rotation.Parse("keys.yaml", []byte(string(text)+twice[1])); err == nil || !strings.Contains(err.Error(), "there twice") {
		t.Errorf("every key twice: %v", err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	plan := func(lifetimes ...time.Duration) *rotation.Plan {
		p := rotated(t)
		for i, l := range lifetimes {
			p.Keys[i].Public = newKey(t, byte(10+i), l)
		}
		p.Keys = p.Keys[:len(lifetimes)]
		p.Keys[len(p.Keys)-1].SignsUntil = time.Time{}
		return p
	}
	for _, test := range []struct {
		name string
		plan *rotation.Plan
		now  string
		want []string
	}{
		{"keys without an end", plan(0, 0), "2030-01-01", nil},
		{"a last key that ends", plan(0, 5*365*days), "2028-11-01", nil}, // on 2029-12-31, so it signs until 2029-07-04
		{"half a year ahead", plan(0, 5*365*days), "2029-01-10", []string{"is the last key, and can sign until 2029-07-04: in 175 days"}},
		{"too late", plan(0, 5*365*days), "2029-12-30", []string{"until 2029-07-04: in 0 days"}},
		{"a service beyond the key's end", plan(900*days, 0), "2026-02-01", []string{"is to sign until 2027-08-08, but can only until 2026-12-22"}},
		{"a last key with a last day", func() *rotation.Plan { p := plan(0); p.Keys[0].SignsUntil = date("2027-01-01"); return p }(), "2026-10-01", []string{"is the last key, and can sign until 2027-01-01"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			findings := test.plan.Check(rotation.CheckOptions{Now: date(test.now), Lead: 180 * days, ValidFor: validFor})
			if len(findings) != len(test.want) {
				t.Fatalf("%+v, want %d", findings, len(test.want))
			}
			for i, f := range findings {
				if !strings.Contains(f.Message, test.want[i]) || f.Hint == "" || f.Subject == "" {
					t.Errorf("%+v, want %q", f, test.want[i])
				}
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	text, err := rotated(f).Text()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("keys: [{announced: 2026-01-01}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := rotation.Parse("fuzz", data)
		if err != nil {
			return
		}
		again, err := p.Text()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v (%s)", err, hint.Of(err))
		}
		if _, err := rotation.Parse("fuzz", again); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if at := p.Keys[0].SignsFrom; len(p.Signing(at)) == 0 {
			t.Fatal("nobody signs on the first day")
		}
	})
}
