package openpgp

import "errors"

// What can be wrong with a key or a signature. Errors of this package wrap these, name the key, and carry a hint.
var (
	// ErrNotKey: the data hold no OpenPGP key, or a damaged one.
	ErrNotKey = errors.New("not an OpenPGP key")
	// ErrNoSecret: the key is there, but not the secret part that signs.
	ErrNoSecret = errors.New("no secret part")
	// ErrLocked: the secret is protected and no passphrase was given.
	ErrLocked = errors.New("protected by a passphrase")
	// ErrWrongPassphrase: the passphrase does not open the secret.
	ErrWrongPassphrase = errors.New("wrong passphrase")
	// ErrSeveralKeys: more than one key in the data has a secret part.
	ErrSeveralKeys = errors.New("several secret keys")
	// ErrNotYetValid: the key, or its self-signature, is younger than the time in question.
	ErrNotYetValid = errors.New("not yet valid")
	// ErrExpired: the key ends before the time in question.
	ErrExpired = errors.New("expired")
	// ErrRevoked: the key's owner declared it void.
	ErrRevoked = errors.New("revoked")
	// ErrCannotSign: neither the primary key nor a subkey is meant for signing.
	ErrCannotSign = errors.New("cannot sign")
	// ErrRefused: apt would refuse what the key signs, for its algorithm or its self-signature.
	ErrRefused = errors.New("refused by apt")
	// ErrUnknownSigner: no signature is by a key of the keyring.
	ErrUnknownSigner = errors.New("not signed by a known key")
	// ErrBadSignature: a signature does not fit the data or breaks the rules for signatures.
	ErrBadSignature = errors.New("bad signature")
	// ErrMalformed: the signed file is not what its format asks for.
	ErrMalformed = errors.New("malformed")
)

// Bounds on what is read from others. Real keys and signatures are far below them.
const (
	maxKeyFile        = 1 << 20 // bytes of a key file or keyring
	maxPackets        = 1 << 12 // packets in a key file or keyring
	maxPublicKey      = 1 << 11 // bytes of one public key packet: an RSA key of 16,384 bits fits
	maxSelfSignatures = 1 << 8  // signatures of a key on itself
	maxSignature      = 1 << 16 // bytes of a detached signature, or of the signatures of a clearsigned text
	maxSignatures     = 1 << 4  // signatures on one text or file
	maxClearsigned    = 1 << 26 // bytes of a clearsigned file
)
