// Package manifestlist makes manifest lists (OCI: image indices) of images that are in a registry, as manifest-tool does:
// its specifications, placeholders and what it prints. It knows which image is for which platform, and refuses what would
// give a machine a program of another architecture.
//
// It leaves to package registry how anything gets there.
package manifestlist
