// Package deb writes binary Debian packages and reads them back.
//
// Reading is one pass over the file: it checks the ar container (deb(5)), unpacks the control member alone, and gives
// the control paragraph together with the file's size and SHA-256, which is all an archive index needs. Of the data member
// it unpacks a bounded start alone, to see whether the first program there is for the package's architecture; the whole
// of it is hashed. Whatever is read is taken for hostile: sizes, names and compressed streams are bounded.
//
// The package knows Debian's package names, versions and their order (Policy 5.6). It does not know what a package is
// for, where it is published, or which versions belong together.
package deb
