// Command kube-aggregator answers --version.
package main

import "k8s.io/component-base/version"

func main() { println("kube-aggregator", version.Get().GitVersion) }
