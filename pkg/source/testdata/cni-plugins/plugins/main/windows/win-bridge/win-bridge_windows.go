// Command win-bridge is a plugin.
package main

import (
	"os"

	"github.com/containernetworking/plugins/pkg/utils/buildversion"
)

func main() {
	os.Stdout.WriteString("CNI win-bridge plugin " + buildversion.BuildVersion + "\n")
}
