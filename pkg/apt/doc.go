// Package apt makes, reads and checks an apt archive: the pool of packages, the Packages indices, the signed Release
// files, and the key and .sources files that users take from it.
//
// The published tree is the only state. A [Transaction] reads the signed indices that an earlier one wrote, adds and
// removes packages, and writes what changed, in an order that leaves every client and mirror with a consistent view at
// every moment: pool, by-hash, canonical indices, Release and Release.gpg, InRelease. From the canonical indices on, the
// steps are renames that were written down first: what a killed run had begun to make visible the next one finishes, so
// that several suites change together or not at all. Whatever else it left behind is overwritten or removed.
//
// A [Snapshot] keeps the signed files and the indices of suites below snapshots, as links, under the same names; what it
// lists stays in the pool.
//
// What a suite looks like, and why:
//
//   - Suite, Codename and directory are one name: apt compares the first two with what the user wrote, debmirror fetches
//     the second.
//   - Every path that Release lists is there: the plain Packages, which apt must find listed, as well as the compressed
//     ones, which mirrors fetch; each under its canonical name, for mirrors, and under by-hash, for apt.
//   - Every architecture of the definition has an index, empty or not: apt warns about one that is missing.
//   - A package for all architectures is in the index of each. Clients of every age read that; a binary-all index is for
//     those alone that find "all" among the Architectures.
//   - Beside each index lies a Release file of its own that says which suite, component and architecture it is for.
//   - Further names of a suite are directories with Release files of their own, for the first rule holds for them, too; the
//     indices are links. Its flat form is a directory that has all in one place, for clients that name a directory.
//   - All places of a suite are published together and bear one date.
//   - SHA-256 is the only digest. Signed-By names the keys that sign, beside the Valid-Until without which apt ignores it.
//
// The package knows the layout that apt, debmirror and apt-mirror read (the Debian repository format), and which suite
// takes which version of Kubernetes, as the archive's definition says. It does not know how packages are built or keys
// are kept: it is given files and an [openpgp.Signer]. It never looks at the clock.
package apt
