package openpgp_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"kubedist/pkg/openpgp"
)

func TestDearmor(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 22, 18, 7, 38, 0, time.UTC)
	key, err := openpgp.Generate(t.Context(), openpgp.GenerateOptions{Name: "test", Created: at})
	if err != nil {
		t.Fatal(err)
	}
	armored, err := key.Detached(t.Context(), strings.NewReader("text"), at)
	if err != nil {
		t.Fatal(err)
	}
	binary, err := openpgp.Dearmor(armored)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openpgp.VerifyDetached(t.Context(), strings.NewReader("text"), binary, []*openpgp.Certificate{key.Public()}, at); err != nil {
		t.Errorf("the binary signature does not verify: %v", err)
	}
	if again, err := openpgp.Dearmor(binary); err != nil || !bytes.Equal(again, binary) {
		t.Errorf("a binary signature is not taken as it is: %v", err)
	}
	for _, bad := range [][]byte{nil, []byte("text"), binary[:len(binary)/2], bytes.Repeat([]byte{0xff}, 64)} {
		if _, err := openpgp.Dearmor(bad); !errors.Is(err, openpgp.ErrMalformed) {
			t.Errorf("%.10q: got %v", bad, err)
		}
	}
}
