package openpgp

import (
	"crypto"
	"crypto/rsa"
	"fmt"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// algorithmName names a key's algorithm and size as gpg does.
func algorithmName(key *packet.PublicKey) string {
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly, packet.PubKeyAlgoRSAEncryptOnly:
		return fmt.Sprintf("rsa%d", rsaBits(key))
	case packet.PubKeyAlgoDSA:
		return "dsa" + statedBits(key)
	case packet.PubKeyAlgoElGamal:
		return "elg" + statedBits(key)
	case packet.PubKeyAlgoEdDSA, packet.PubKeyAlgoEd25519, packet.PubKeyAlgoEd448:
		if curve, err := key.Curve(); err == nil && curve == packet.Curve448 {
			return "ed448"
		}
		return "ed25519"
	case packet.PubKeyAlgoECDSA:
		if curve, err := key.Curve(); err == nil {
			return curveName(curve)
		}
	}
	return fmt.Sprintf("algorithm%d", key.PubKeyAlgo)
}

func curveName(curve packet.Curve) string {
	switch curve {
	case packet.CurveNistP256:
		return "nistp256"
	case packet.CurveNistP384:
		return "nistp384"
	case packet.CurveNistP521:
		return "nistp521"
	case packet.CurveSecP256k1:
		return "secp256k1"
	case packet.CurveBrainpoolP256:
		return "brainpoolP256r1"
	case packet.CurveBrainpoolP384:
		return "brainpoolP384r1"
	case packet.CurveBrainpoolP512:
		return "brainpoolP512r1"
	}
	return string(curve)
}

func rsaBits(key *packet.PublicKey) int {
	if public, ok := key.PublicKey.(*rsa.PublicKey); ok {
		return public.N.BitLen()
	}
	return 0
}

func statedBits(key *packet.PublicKey) string {
	bits, err := key.BitLength()
	if err != nil {
		return ""
	}
	return fmt.Sprint(bits)
}

// algorithmProblem says why the sqv of apt 3 refuses every signature by such a key, or returns "".
func algorithmProblem(key *packet.PublicKey) string {
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly:
		if bits := rsaBits(key); bits < 2048 {
			return fmt.Sprintf("its RSA modulus has %d bits, fewer than 2048", bits)
		}
	case packet.PubKeyAlgoECDSA:
		switch curve, _ := key.Curve(); curve {
		case packet.CurveNistP256, packet.CurveNistP384, packet.CurveNistP521:
		default:
			return fmt.Sprintf("its algorithm is %s", algorithmName(key))
		}
	case packet.PubKeyAlgoEdDSA, packet.PubKeyAlgoEd25519, packet.PubKeyAlgoEd448:
	default:
		return fmt.Sprintf("its algorithm is %s", algorithmName(key))
	}
	return ""
}

// readerProblem says why the gpgv of Debian 12 (GnuPG 2.2) cannot use a key that is otherwise sound, or returns "".
func readerProblem(key *packet.PublicKey) string {
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoEd25519, packet.PubKeyAlgoEd448:
		return fmt.Sprintf("GnuPG 2.2 does not know OpenPGP algorithm %d", key.PubKeyAlgo)
	}
	if algorithmName(key) == "ed448" {
		return "GnuPG 2.2 does not know ed448"
	}
	return ""
}

// repeatable reports whether a key's signatures are the same bytes for the same input: whether its algorithm does
// without a random number per signature.
func repeatable(key *packet.PublicKey) bool {
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly, packet.PubKeyAlgoEdDSA, packet.PubKeyAlgoEd25519, packet.PubKeyAlgoEd448:
		return true
	}
	return false
}

// weakDigest names a digest that sqv refuses in signatures, or returns "".
func weakDigest(h crypto.Hash) string {
	switch h {
	case crypto.SHA224, crypto.SHA256, crypto.SHA384, crypto.SHA512, crypto.SHA3_256, crypto.SHA3_512:
		return ""
	}
	return h.String()
}
