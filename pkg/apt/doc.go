// Package apt makes, reads and checks an apt archive: the pool of packages, the Packages indices, the signed Release
// files, and the key and .sources files that users take from it.
//
// The published tree is the only state. A [Transaction] reads the signed indices that an earlier one wrote, adds and
// removes packages, and writes what changed, in an order that leaves every client and mirror with a consistent view at
// every moment: pool, by-hash, canonical indices, Release and Release.gpg, InRelease. What a killed run leaves behind
// is overwritten or removed by the next one.
//
// The package knows the layout that apt, debmirror and apt-mirror read (the Debian repository format), and which suite
// takes which version of Kubernetes, as the archive's definition says. It does not know how packages are built or keys
// are kept: it is given files and an [openpgp.Signer]. It never looks at the clock.
package apt
