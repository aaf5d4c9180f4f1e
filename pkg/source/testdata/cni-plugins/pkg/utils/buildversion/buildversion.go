// Package buildversion is what the linker stamps.
package buildversion

// BuildVersion is set with -X.
var BuildVersion = "version unknown"
