// Command sample is a plugin.
package main

import (
	"os"

	"github.com/containernetworking/plugins/pkg/utils/buildversion"
)

func main() {
	os.Stdout.WriteString("CNI sample plugin " + buildversion.BuildVersion + "\n")
}
