// Command coredns answers -version.
package main

import "os"

func main() {
	os.Stdout.WriteString("CoreDNS-1.14.2\n")
}
