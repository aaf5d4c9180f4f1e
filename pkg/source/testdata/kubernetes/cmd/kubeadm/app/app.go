// Package app is the command line of kubeadm.
package app

import (
	"k8s.io/component-base/cli"
	"k8s.io/component-base/version"
)

// New returns kubeadm.
func New() cli.Program {
	return cli.Program{Name: "kubeadm", Short: "kubeadm: easily bootstrap a secure Kubernetes cluster", Commands: []cli.Command{
		cli.Completion("kubeadm"),
		{Name: "config", Short: "Manage configuration for a kubeadm cluster", Run: config},
		{Name: "version", Short: "Print the version of kubeadm", Run: printVersion},
	}}
}

func config(args []string) int {
	if len(args) < 2 || args[0] != "images" || args[1] != "list" {
		return 1
	}
	v := version.Get().GitVersion
	for _, image := range []string{"kube-apiserver:" + v, "kube-controller-manager:" + v, "kube-scheduler:" + v, "kube-proxy:" + v, "pause:3.10"} {
		cli.Print("registry.k8s.io/" + image)
	}
	return 0
}

func printVersion(args []string) int {
	if cli.Has(args, "short", "-oshort", "-o=short") {
		cli.Print(version.Get().GitVersion)
		return 0
	}
	cli.Print("kubeadm version: &" + version.Get().String())
	return 0
}
