// Command kube-scheduler answers --version.
package main

import (
	"k8s.io/component-base/cli"
	"k8s.io/component-base/version"
)

func main() { cli.Print("Kubernetes " + version.Get().GitVersion) }
