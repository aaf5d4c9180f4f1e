// Package registry brings container images to registries and reads what is there, by the protocol of the OCI Distribution
// Specification 1.1, with the client of go-containerregistry.
//
// It knows in which order things have to arrive, so that no tag ever points at something incomplete: blobs, then the
// manifest of each platform, then the index, all by their digests; then everything is asked for again; and the tag is set
// last. What the registry has is not sent again, so a push that was interrupted is completed by running it once more.
//
// It does not know how images are made. What it reads from a disk or from a registry it takes for untrusted: manifests
// are bounded, and every byte is checked against its digest before it is passed on.
package registry
