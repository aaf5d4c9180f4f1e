// Command kubelet runs on every node. It asks for the current user so that it is dynamic with cgo and static without.
package main

import (
	"os"
	"os/user"

	"k8s.io/component-base/cli"
	"k8s.io/component-base/version"
)

func main() {
	if cli.Has(os.Args[1:], "--version", "--version=true") {
		cli.Print("Kubernetes " + version.Get().GitVersion)
		return
	}
	if u, err := user.Current(); err == nil {
		println("kubelet runs as", u.Username)
	}
	os.Exit(1)
}
