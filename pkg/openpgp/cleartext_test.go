package openpgp_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"kubedist/pkg/openpgp"
)

func TestCleartext(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 22, 18, 7, 38, 0, time.UTC)
	key, err := openpgp.Generate(t.Context(), openpgp.GenerateOptions{Name: "test", Created: at})
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("Format: 1.8\n- dash\n")
	signed, err := key.Clearsign(t.Context(), text, at)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := openpgp.Cleartext(signed); err != nil || !bytes.Equal(got, text) {
		t.Errorf("got %q, %v", got, err)
	}
	for _, bad := range [][]byte{nil, text, signed[1:], append(bytes.Clone(signed), 'x'), signed[:len(signed)-40]} {
		if got, err := openpgp.Cleartext(bad); !errors.Is(err, openpgp.ErrMalformed) {
			t.Errorf("%.20q: got %q, %v", bad, got, err)
		}
	}
}
