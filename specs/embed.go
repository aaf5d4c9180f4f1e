// Package specs holds the written standard of how Kubernetes is compiled and packaged, as data. README.md beside this
// file is its prose.
package specs

import "embed"

// FS holds the .yaml files of this directory and of those below it.
//
//go:embed *.yaml packages/*.yaml releases/*.yaml toolchains/*.yaml bases/*.yaml
var FS embed.FS
