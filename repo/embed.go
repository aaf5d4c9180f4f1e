// Package repo holds the archive's definition. What is published lies beside it, in public/, and is no part of the
// program.
package repo

import _ "embed"

// Archive is archive.yaml: the definition that commands use when they are pointed at no other.
//
//go:embed archive.yaml
var Archive []byte
