// Command kubectl-ns shows that nothing in this tree needs this module.
package main

import "k8s.io/client-go/pkg/version"

func main() { println("kubectl-ns", version.Get().GitVersion) }
