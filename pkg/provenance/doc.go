// Package provenance says what a release was made from and how, in a form that others can check: SLSA provenance v1
// (https://slsa.dev/spec/v1.0/provenance) in an in-toto statement v1 (https://in-toto.io/Statement/v1), signed in a DSSE
// envelope (https://github.com/secure-systems-lab/dsse). It writes statements, signs them with OpenPGP keys and with
// plain Ed25519 keys, and verifies envelopes.
//
// It does not know how a release is made: what goes into a statement is given to it, and what a statement says is for
// the caller to compare with what is there. Nothing in a statement comes from the clock, so that the same release has the
// same statement. Sigstore bundles, which need a transparency log, are not made.
//
// What the fields of a release's provenance mean, and how to check one by hand, is in release-v1.md.
package provenance
