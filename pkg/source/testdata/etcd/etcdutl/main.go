// Command etcdutl answers --version.
package main

import (
	"os"

	"go.etcd.io/etcd/api/v3/version"
)

func main() {
	os.Stdout.WriteString("etcdutl Version: " + version.Version + "\n")
}
