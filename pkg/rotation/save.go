package rotation

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"kubedist/pkg/atomicfile"
)

// head is how a plan's file begins.
const head = `# The keys that sign the archive, over time. Public: it holds no secret, only where each is found when it signs, a file
# (its path is relative to this one) or gpg:FINGERPRINT. Written by ` + "`kubedist key rotate`" + `, which keeps no comments;
# dates may be changed by hand. A key is in the keyring from announced on, and stays there. It signs from signs-from on
# until signs-until.
keys:
`

// Text writes the plan as [Parse] reads it, with a comment that explains it.
func (p *Plan) Text() ([]byte, error) {
	b := bytes.NewBufferString(head)
	for _, k := range p.Keys {
		armored, err := k.Public.Armored()
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", k.Public, err)
		}
		fmt.Fprintf(b, "  - fingerprint: %s\n", k.Public.Fingerprint())
		if k.Secret != "" {
			fmt.Fprintf(b, "    secret: %s\n", quoted(k.Secret))
		}
		fmt.Fprintf(b, "    announced: %s\n    signs-from: %s\n", k.Announced.Format(time.DateOnly), k.SignsFrom.Format(time.DateOnly))
		if !k.SignsUntil.IsZero() {
			fmt.Fprintf(b, "    signs-until: %s\n", k.SignsUntil.Format(time.DateOnly))
		}
		b.WriteString("    public: |\n")
		for line := range strings.Lines(string(armored)) {
			if strings.TrimSpace(line) == "" { // without blanks at its end
				b.WriteString("\n")
			} else {
				b.WriteString("      " + line)
			}
		}
	}
	// What cannot be read again must not be written.
	if _, err := Parse("plan", b.Bytes()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// quoted writes a text as a YAML scalar in single quotes, in which only they are special.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// Save replaces the file at path by the plan, whole or not at all.
func (p *Plan) Save(path string) error {
	text, err := p.Text()
	if err != nil {
		return fmt.Errorf("keys of the archive: %w", err)
	}
	return atomicfile.WriteFile(path, text, 0o644)
}
