package image_test

import (
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kubedist/pkg/hint"
	"kubedist/pkg/image"
)

const attribute = "security.capability"

func TestCapabilities(t *testing.T) {
	t.Parallel()
	for names, want := range map[string]string{
		"":                     "",
		"cap_chown":            "0100000201000000000000000000000000000000",
		"cap_net_bind_service": "0100000200040000000000000000000000000000",
		"cap_net_raw,cap_net_admin,cap_checkpoint_restore": "0100000200300000000000000001000000000000",
	} {
		got, err := image.Capabilities(strings.FieldsFunc(names, func(r rune) bool { return r == ',' }))
		if err != nil || hex.EncodeToString([]byte(got[attribute])) != want {
			t.Errorf("%s: %x, want %s: %v", names, got[attribute], want, err)
		}
	}
	for _, name := range []string{"", "net_raw", "CAP_NET_RAW", "cap_all"} {
		if _, err := image.Capabilities([]string{"cap_chown", name}); err == nil || hint.Of(err) == "" {
			t.Errorf("%q: error %v", name, err)
		}
	}
}

// The bytes are those that setcap gives a file.
func TestCapabilitiesAsSetcap(t *testing.T) {
	t.Parallel()
	setcap, err := exec.LookPath("setcap")
	if err != nil {
		if setcap, err = exec.LookPath("/usr/sbin/setcap"); err != nil {
			t.Skip("setcap is not installed")
		}
	}
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, names := range []string{"cap_net_bind_service", "cap_chown,cap_setfcap", "cap_mac_override,cap_checkpoint_restore,cap_bpf"} {
		out, err := exec.CommandContext(t.Context(), setcap, names+"=ep", file).CombinedOutput()
		if err != nil {
			t.Skipf("setcap cannot work here: %v: %s", err, out)
		}
		value := make([]byte, 64)
		n, err := unix.Getxattr(file, attribute, value)
		if errors.Is(err, unix.ENOTSUP) {
			t.Skip("the file system has no such attributes")
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := image.Capabilities(strings.Split(names, ","))
		if err != nil || got[attribute] != string(value[:n]) {
			t.Errorf("%s: %x, setcap writes %x: %v", names, got[attribute], value[:n], err)
		}
	}
}
