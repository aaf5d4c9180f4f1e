// Command kubectl-convert is a plugin of kubectl.
package main

import (
	"k8s.io/client-go/pkg/version"
	"k8s.io/component-base/cli"
)

func main() { cli.Print("kubectl-convert " + version.Get().GitVersion) }
