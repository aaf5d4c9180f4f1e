// Package app is the command line of kubeadm.
package app

import (
	"strings"

	"k8s.io/component-base/cli"
	"k8s.io/component-base/version"
	"k8s.io/kubernetes/cmd/kubeadm/app/constants"
)

// New returns kubeadm.
func New() cli.Program {
	return cli.Program{Name: "kubeadm", Short: "kubeadm: easily bootstrap a secure Kubernetes cluster", Commands: []cli.Command{
		cli.Completion("kubeadm"),
		{Name: "config", Short: "Manage configuration for a kubeadm cluster", Run: config},
		{Name: "version", Short: "Print the version of kubeadm", Run: printVersion},
	}}
}

// config lists images, in their own registry or in one that is named.
func config(args []string) int {
	if len(args) < 2 || args[0] != "images" || args[1] != "list" {
		return 1
	}
	v, registry, dns := version.Get().GitVersion, "registry.k8s.io", "coredns/coredns"
	for _, arg := range args[2:] {
		if value, ok := strings.CutPrefix(arg, "--kubernetes-version="); ok {
			v = value
		}
		if value, ok := strings.CutPrefix(arg, "--image-repository="); ok {
			registry, dns = value, "coredns"
		}
	}
	for _, image := range []string{
		"kube-apiserver:" + v, "kube-controller-manager:" + v, "kube-scheduler:" + v, "kube-proxy:" + v,
		dns + ":" + constants.CoreDNSVersion, "pause:" + constants.PauseVersion, "etcd:" + constants.DefaultEtcdVersion,
	} {
		cli.Print(registry + "/" + image)
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
