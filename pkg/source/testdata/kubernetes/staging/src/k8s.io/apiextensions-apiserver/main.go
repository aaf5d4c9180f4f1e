// Command apiextensions-apiserver answers --version.
package main

import "k8s.io/component-base/version"

func main() { println("apiextensions-apiserver", version.Get().GitVersion) }
