// Package sbom writes and reads software bills of materials: SPDX 2.3 documents in JSON that say which modules are
// inside programs, taken from what the Go linker wrote into the programs themselves, which source files and C libraries are
// inside programs in C, and which programs are inside packages. It is deterministic: the same programs give the same bytes, and a document's namespace is made of its digest.
//
// It knows SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/), package URLs and Go's build information. It reads no
// files and knows nothing of releases: who calls it says what lies where.
//
// The types here are of its own making, not those of spdx/tools-golang: what is written is a tenth of SPDX, and what is
// read is only what is written, strictly and within bounds. Tests have tools-golang read and validate every kind of
// document.
package sbom
