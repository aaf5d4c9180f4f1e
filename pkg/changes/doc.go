// Package changes writes and reads what lies beside the packages of an upload: the .changes file that upload tools and
// archives take (Debian Policy 5.5, deb-changes(5)) and the .buildinfo file that says what the packages were built with
// (deb-buildinfo(5)). There is one of each for a source package and its version, whatever the number of architectures:
// both formats have room for one source, and archives compare it with that of every package in the upload.
//
// It knows the fields. It signs nothing and reads no package: names, sections and digests are given to it.
package changes
