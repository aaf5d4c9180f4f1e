// Package openpgp holds the keys of an archive: it makes, keeps, reads and judges them, and makes and checks the two
// kinds of signature that apt and debsign know, detached and clearsigned. The formats are those of RFC 9580, as far as
// gpg 2.2, gpgv and the sqv of apt 3 agree on them: version 4 keys and version 4 signatures.
//
// Signatures are the same bytes for the same data, key and time. So only algorithms that need no random number per
// signature sign here (RSA and Ed25519), the time is always the caller's, and no salt notation is added. What the salt
// would guard against, a signature broken by a hardware fault, is met by verifying each signature before it leaves.
//
// The package does not encrypt data, talk to keyservers, weigh the trust between people, or follow designated revokers.
// It does not read the clock. The passphrase of a key is the caller's to find; neither it nor any secret is part of an
// error.
package openpgp
