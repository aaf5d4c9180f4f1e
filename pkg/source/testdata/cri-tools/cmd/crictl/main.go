// Command crictl answers --version.
package main

import (
	"os"

	"sigs.k8s.io/cri-tools/pkg/version"
)

func main() {
	os.Stdout.WriteString("crictl version " + version.Version + "\n")
}
