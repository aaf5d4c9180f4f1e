// Command etcdctl answers --version.
package main

import (
	"os"

	"go.etcd.io/etcd/api/v3/version"
)

func main() {
	os.Stdout.WriteString("etcdctl Version: " + version.Version + "\n")
}
