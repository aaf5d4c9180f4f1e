// Package deb822 reads and writes the stanzas ("paragraphs") of Debian control files: control, Packages, Release and
// .sources files all share this syntax (Debian Policy 5.1, deb822(5)).
//
// It knows fields, continuation lines and the blank lines between stanzas. It does not know what any field means, it
// has no comments (only source package control files have them) and it knows no signatures around the text. It is
// strict both ways: what cannot be read without a guess is an error with its line number, and a value that would break
// the text apart cannot be written.
package deb822
