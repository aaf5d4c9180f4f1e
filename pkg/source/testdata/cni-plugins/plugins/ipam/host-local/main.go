// Command host-local is a plugin.
package main

import (
	"os"

	"github.com/containernetworking/plugins/pkg/utils/buildversion"
)

func main() {
	os.Stdout.WriteString("CNI host-local plugin " + buildversion.BuildVersion + "\n")
}
