package openpgp

import (
	"bytes"
	"strings"
	"testing"
)

func TestSplitPackets(t *testing.T) {
	t.Parallel()
	long := bytes.Repeat([]byte{7}, 9000)
	tests := []struct {
		name string
		data []byte
		want []rawPacket
		says string // part of the error
	}{
		{"nothing", nil, nil, ""},
		{"old, one octet", []byte{0x88, 2, 1, 2}, []rawPacket{{2, []byte{1, 2}}}, ""},
		{"old, two octets", []byte{0x99, 0, 1, 5}, []rawPacket{{6, []byte{5}}}, ""},
		{"old, four octets", []byte{0x9a, 0, 0, 0, 1, 5}, []rawPacket{{6, []byte{5}}}, ""},
		{"new, one octet", []byte{0xc2, 1, 9, 0xcd, 0}, []rawPacket{{2, []byte{9}}, {13, []byte{}}}, ""},
		{"new, two octets", append([]byte{0xc2, 192, 0}, long[:192]...), []rawPacket{{2, long[:192]}}, ""},
		{"new, five octets", append([]byte{0xc2, 255, 0, 0, 0x23, 0x28}, long...), []rawPacket{{2, long}}, ""},
		{"no packet", []byte{0x41}, nil, "no OpenPGP packet"},
		{"old, open length", []byte{0x8b, 1, 2}, nil, "left open"},
		{"new, open length", []byte{0xc2, 230, 1, 2}, nil, "left open"},
		{"header cut short", []byte{0x9a, 0, 0}, nil, "cut short"},
		{"new header cut short", []byte{0xc2}, nil, "cut short"},
		{"new two-octet header cut short", []byte{0xc2, 200}, nil, "cut short"},
		{"body cut short", []byte{0x88, 3, 1, 2}, nil, "cut short"},
		{"huge length", []byte{0xc2, 255, 0xff, 0xff, 0xff, 0xff, 0}, nil, "cut short"},
		{"too many", bytes.Repeat([]byte{0xcd, 0}, maxPackets+1), nil, "more than"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := splitPackets(test.data)
			if test.says != "" {
				if err == nil || !strings.Contains(err.Error(), test.says) {
					t.Fatalf("error is %v, want one that says %q", err, test.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(test.want) {
				t.Fatalf("%d packets, want %d", len(got), len(test.want))
			}
			for i := range got {
				if got[i].tag != test.want[i].tag || !bytes.Equal(got[i].body, test.want[i].body) {
					t.Errorf("packet %d is %v, want %v", i, got[i], test.want[i])
				}
				again, err := splitPackets(got[i].appendTo(nil))
				if err != nil || len(again) != 1 || again[0].tag != got[i].tag || !bytes.Equal(again[0].body, got[i].body) {
					t.Errorf("packet %d written and read again: %v, %v", i, again, err)
				}
			}
		})
	}
}

func TestArmor(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 47, 48, 49, 1000} {
		data := bytes.Repeat([]byte{0x5a}, n)
		text, err := encodeArmor(armorSignature, data)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string][]byte{"LF": text, "CRLF": bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))} {
			got, rest, err := decodeArmor(armorSignature, append(text, "more"...))
			if err != nil || !bytes.Equal(got, data) || string(rest) != "more" {
				t.Errorf("%d bytes, %s: %x, rest %q, %v", n, name, got, rest, err)
			}
		}
	}
	const begin, end = "-----BEGIN PGP SIGNATURE-----\n", "-----END PGP SIGNATURE-----\n"
	tests := []struct{ name, text, says string }{
		{"headers", begin + "Version: 1\nComment:\n\nAAAA\n" + end, ""},
		{"no checksum", begin + "\nAAAA\n" + end, ""},
		{"other kind", "-----BEGIN PGP MESSAGE-----\n\nAAAA\n", "no PGP SIGNATURE"},
		{"no empty line", begin + "AAAA\n" + end, "empty line"},
		{"no end", begin + "\nAAAA\n", "without an end"},
		{"only a beginning", begin, "without an end"},
		{"other end", begin + "\nAAAA\n-----END PGP MESSAGE-----\n", "without an end"},
		{"not base64", begin + "\nA!AA\n" + end, "illegal base64"},
		{"checksum of other data", begin + "\nAAAA\n=AAAA\n" + end, "does not fit"},
		{"more after the checksum", begin + "\nAAAA\n=AAAA\nAAAA\n" + end, "goes on"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := decodeArmor(armorSignature, []byte(test.text))
			if test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("error is %v, want one that says %q", err, test.says)
			}
		})
	}
}

func TestArgon2IsRefused(t *testing.T) {
	t.Parallel()
	key := newTestKey(t, 1, 0)
	secret, err := onlyPacket(key.secrets[0].Serialize)
	if err != nil {
		t.Fatal(err)
	}
	public := len(key.cert.packets[0].body)
	// AEAD with AES-256 and OCB, Argon2 with a salt, one pass, one lane and 2^31 KiB of memory.
	body := append(bytes.Clone(secret.body[:public]), 253, 9, 2, 4)
	body = append(body, make([]byte, 16)...)
	body = append(body, 1, 1, 31)
	body = append(body, make([]byte, 15+48)...)
	data := rawPacket{tagSecretKey, body}.appendTo(nil)
	for _, p := range key.cert.packets[1:] {
		data = p.appendTo(data)
	}
	_, err = Parse(data)
	wantError(t, err, ErrNotKey)
	if !strings.Contains(err.Error(), "Argon2") {
		t.Errorf("error %q does not name Argon2", err)
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	if got, want := printable("Jürgen \x1b[31m\u2028\xff\u009b"), "Jürgen \ufffd[31m\ufffd\ufffd\ufffd"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
