// Command kubectl is the client.
package main

import (
	"os"

	"k8s.io/kubectl/pkg/cmd"
)

func main() { os.Exit(cmd.New().Run(os.Args[1:])) }
