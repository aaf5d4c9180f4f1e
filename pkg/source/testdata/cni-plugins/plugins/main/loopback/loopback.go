// Command loopback is a plugin.
package main

import (
	"os"

	"github.com/containernetworking/plugins/pkg/utils/buildversion"
)

func main() {
	os.Stdout.WriteString("CNI loopback plugin " + buildversion.BuildVersion + "\n")
}
