// Command kubeadm makes clusters.
package main

import (
	"os"

	"k8s.io/kubernetes/cmd/kubeadm/app"
)

func main() { os.Exit(app.New().Run(os.Args[1:])) }
