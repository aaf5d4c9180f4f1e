// Package version is what the linker stamps.
package version

// Version is set with -X.
var Version = "unknown"
