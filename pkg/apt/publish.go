package apt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/openpgp"
)

// PublishOptions say how the archive is signed and dated.
type PublishOptions struct {
	// Signers sign every Release; with several, a client that knows one of the keys is content.
	Signers []openpgp.Signer
	// Next are keys that are going to sign. They go into the keyring files, and Signed-By names them beside those that sign
	// now: a client without a keyring of its own for the archive holds each Release against the Signed-By of the one before.
	Next []*openpgp.Certificate
	// Keyring are further keys: they go into the keyring files, and what they signed is accepted as the archive's own.
	// Rotation needs them: the old key for a while after it.
	Keyring []*openpgp.Certificate
	// KeyringDate is when the keyring was last changed; it becomes the version of the keyring package. The zero time is
	// when its youngest key was made.
	KeyringDate time.Time
	// Now dates what is published: SOURCE_DATE_EPOCH, or the time. Where a suite is dated as late or later already, it is
	// dated a second after that, since clients ignore a Release that is older than what they have.
	Now time.Time
	// Clock tells the real time. Nothing is published with a date in the future: up to a minute is waited for, as it must
	// when an archive is published more often than once a second; more is refused. With nil, as where SOURCE_DATE_EPOCH
	// stands for the time, nothing is waited for, and the bound is NotAfter.
	Clock    func() time.Time
	NotAfter time.Time // the zero time is no bound
	URL      string    // of the archive's root as clients see it; "" is the definition's
	// SignAnew signs every suite anew, whether it changed or not.
	SignAnew bool
	// Override names the refusals that are not to keep the archive from being published. What each of them overrides
	// becomes a warning.
	Override []Refusal
	// Suites that are to be published even if they hold no package yet.
	Suites []string
}

// Result tells what Publish did.
type Result struct {
	Suites []SuiteResult `json:"suites"`         // of the published suites, in the definition's order
	Pool   []string      `json:"pool,omitempty"` // files that went into the pool, sorted
	// Retired are the packages that suites no longer list because of their rules, in the order of the suites.
	Retired  []Retired `json:"retired,omitempty"`
	Keyring  string    `json:"keyring,omitempty"` // the version of the keyring package, where there is one
	Pruned   int       `json:"pruned,omitempty"`  // files of old generations that were removed
	Warnings []string  `json:"warnings,omitempty"`
}

// SuiteResult tells what became of one suite.
type SuiteResult struct {
	Suite      string    `json:"suite"`
	Published  bool      `json:"published"`        // false: nothing was written
	Reason     string    `json:"reason,omitempty"` // why it was published
	Indices    int       `json:"indices"`          // files of indices that were written
	Packages   int       `json:"packages"`         // packages that this transaction added to it or removed from it
	Date       time.Time `json:"date"`
	ValidUntil time.Time `json:"validUntil"`
}

// Publish makes the transaction's changes visible: it writes the indices that changed, signs the suites whose content
// changed, whose definition or keys changed or whose Valid-Until is nearer than the definition's RefreshBefore, and
// leaves all others untouched. Before that the suites' rules take packages out of what the transaction has changed, or
// out of everything where it has changed nothing (see [Suite]).
//
// Everything is prepared and signed before the first byte clients could see is written. Then it writes in the order that
// keeps clients and mirrors consistent: pool, keyring and .sources files, by-hash, canonical indices, Release and
// Release.gpg, InRelease; each step is durable before the next begins. From the canonical indices on, the steps are
// written down first: an error before that leaves the archive as it was, and after one in there the next [Begin] does the
// rest, so that all suites change or none. The pages that tell of it follow; after an error there, publishing again writes
// them. A transaction can be published once.
//
// Errors before that are those of signing and of writing, and a [RefusedError].
func (t *Transaction) Publish(ctx context.Context, o PublishOptions) (*Result, error) {
	p, err := t.publication(o)
	if err != nil {
		return nil, err
	}
	if err := p.prepare(ctx); err != nil {
		return nil, atomicfile.Explain(t.disk.root, fmt.Errorf("publishing: %w", err))
	}
	if err := p.commit(ctx); err != nil {
		return nil, atomicfile.Explain(t.disk.root, fmt.Errorf("publishing: %w", err))
	}
	return &p.result, nil
}

// publication begins a run of Publish.
func (t *Transaction) publication(o PublishOptions) (*publication, error) {
	if err := t.open(); err != nil {
		return nil, err
	}
	if len(o.Signers) == 0 {
		return nil, errors.New("signers: none is given")
	}
	if o.URL == "" {
		o.URL = t.tree.def.URL
	}
	o.URL = strings.TrimSuffix(o.URL, "/")
	o.Keyring = slices.Concat(o.Next, o.Keyring)
	return &publication{tx: t, tree: t.tree, disk: t.disk, options: o, certs: certificates(o.Signers, o.Keyring)}, nil
}
