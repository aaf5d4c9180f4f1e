package gnupg

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"

	"kubedist/pkg/hint"
	"kubedist/pkg/openpgp"
)

// program is a gpg command.
type program struct {
	path    string
	environ []string
}

// graceful is how long gpg's output is waited for once gpg has ended.
const graceful = 5 * time.Second

func newProgram(o Options) (*program, error) {
	p := &program{path: o.Program, environ: append(slices.Clone(o.Environ), "LC_ALL=C")}
	if p.path == "" {
		var err error
		if p.path, err = exec.LookPath("gpg"); err != nil {
			return nil, hint.Errorf("install GnuPG 2.2 or newer, or sign with a key file", "gpg: %w", err)
		}
	}
	return p, nil
}

// run runs gpg and returns what it prints. in may be nil.
func (p *program) run(ctx context.Context, in io.Reader, args ...string) ([]byte, error) {
	// The user's gpg.conf is left out: what it may say of digests, comments or default keys would change what is made.
	all := append([]string{"--no-options", "--batch", "--no-auto-check-trustdb", "--status-fd", "2"}, args...)
	cmd := exec.CommandContext(ctx, p.path, all...)
	cmd.Env, cmd.Stdin = p.environ, in
	cmd.WaitDelay = graceful
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("gpg: %w", context.Cause(ctx))
	case err != nil:
		return nil, explain(said.String(), err)
	}
	return out.Bytes(), nil
}

// certificate exports a public key. The fingerprint must be that of its primary key, which is what clients are told.
func (p *program) certificate(ctx context.Context, fingerprint string) (*openpgp.Certificate, error) {
	fingerprint, err := ParseFingerprint(fingerprint)
	if err != nil {
		return nil, err
	}
	data, err := p.run(ctx, nil, "--export", fingerprint)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", fingerprint, err)
	}
	if len(data) == 0 {
		return nil, hint.Errorf("gpg --list-secret-keys shows the keys that can sign; GNUPGHOME names another store", "key %s: %w: GnuPG does not have it", fingerprint, openpgp.ErrNotKey)
	}
	keys, err := openpgp.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("key %s, as gpg exports it: %w", fingerprint, err)
	}
	if len(keys) != 1 || keys[0].Fingerprint() != fingerprint {
		return nil, hint.Errorf("give that of the primary key, "+keys[0].Fingerprint(), "key %s: %w: it is the fingerprint of a subkey", fingerprint, openpgp.ErrNotKey)
	}
	return keys[0].Public(), nil
}

// secrets lists the parts of a key whose secret GnuPG has, or knows to be on a token (GnuPG's doc/DETAILS, "Format of the
// colon listings": field 1 is the record, field 10 the fingerprint of the key above, field 15 tells where the secret is).
func (p *program) secrets(ctx context.Context, fingerprint string) ([]string, error) {
	const kind, value, place = 0, 9, 14
	listing, err := p.run(ctx, nil, "--with-colons", "--list-secret-keys", fingerprint)
	if err != nil && strings.Contains(err.Error(), "No secret key") {
		return nil, noSecret(fingerprint)
	}
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", fingerprint, err)
	}
	var found []string
	there := false
	for line := range strings.Lines(string(listing)) {
		fields := strings.Split(strings.TrimRight(line, "\n"), ":")
		if len(fields) <= value {
			continue
		}
		switch fields[kind] {
		case "sec", "ssb":
			there = len(fields) > place && fields[place] != "#"
		case "fpr":
			if there {
				found = append(found, fields[value])
			}
			there = false
		}
	}
	return found, nil
}

// explain words a failure of gpg: its own messages, and what helps where that is known.
func explain(said string, err error) error {
	var words []string
	for line := range strings.Lines(said) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "[GNUPG:] "), strings.Contains(line, "running with faked system time"), line == "":
		default:
			words = append(words, strings.TrimPrefix(line, "gpg: "))
		}
	}
	failed := fmt.Errorf("gpg: %s: %w", strings.Join(words, "; "), err)
	if len(words) == 0 {
		failed = fmt.Errorf("gpg: %w", err)
	}
	for _, failure := range failures {
		for _, says := range failure.says {
			if strings.Contains(said, says) {
				return hint.With(failed, failure.next)
			}
		}
	}
	return failed
}

// failures are what gpg says when the secret cannot be used, and what helps. The first match counts.
var failures = []struct {
	says []string
	next string
}{
	{[]string{"No pinentry", "Inappropriate ioctl", "cannot open '/dev/tty'", "No such device or address", "No such file or directory <Pinentry>"},
		"the agent cannot ask for the passphrase here: run `export GPG_TTY=$(tty)`, or give it beforehand with gpg-preset-passphrase"},
	{[]string{"Operation cancelled", "Timeout"}, "enter the passphrase or PIN when the agent asks for it"},
	{[]string{"Bad passphrase", "Bad PIN"}, "check the passphrase or PIN; a card blocks its PIN after three wrong ones"},
	{[]string{"Card not present", "No such device", "card removed", "Card error", "No SmartCard daemon", "selecting card failed"},
		"plug the card or token in and see that `gpg --card-status` finds it"},
	{[]string{"No secret key"}, "gpg --list-secret-keys shows the keys that can sign"},
	{[]string{"can't connect to the agent", "No agent running", "IPC connect call failed"},
		"see that gpg-agent can be started: gpg-connect-agent /bye; a GNUPGHOME with too long a path keeps it from making its socket"},
}
