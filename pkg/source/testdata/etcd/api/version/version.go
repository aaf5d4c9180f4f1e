// Package version holds the version of etcd.
package version

// Version is what all modules of the repository are tagged with.
const Version = "3.6.8"
