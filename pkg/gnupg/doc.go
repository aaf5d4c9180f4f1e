// Package gnupg signs with keys that GnuPG keeps: in its own store behind gpg-agent, on a smartcard or another hardware
// token. It runs gpg 2.2 or newer and takes from it the public key and single signatures, each of which is checked before
// it leaves. Asking for passphrases and PINs is the agent's business; the package neither sees nor passes any.
//
// gpg reads no options file here, is told the time, and picks neither key nor digest. So its signatures too are the same
// bytes for the same data, key and time.
package gnupg
