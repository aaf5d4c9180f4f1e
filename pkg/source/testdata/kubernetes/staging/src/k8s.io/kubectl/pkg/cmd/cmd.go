// Package cmd is the command line of kubectl.
package cmd

import (
	"k8s.io/client-go/pkg/version"
	"k8s.io/component-base/cli"
)

// New returns kubectl.
func New() cli.Program {
	return cli.Program{Name: "kubectl", Short: "kubectl controls the Kubernetes cluster manager.", Commands: []cli.Command{
		cli.Completion("kubectl"),
		{Name: "get", Short: "Display one or many resources", Run: func([]string) int {
			cli.Print("No resources found")
			return 0
		}},
		{Name: "version", Short: "Print the client and server version information", Run: printVersion},
	}}
}

func printVersion(args []string) int {
	v := version.Get()
	if cli.Has(args, "-o=json", "json", "--output=json") {
		cli.Print(`{"clientVersion": {"major": "` + v.Major + `", "minor": "` + v.Minor + `", "gitVersion": "` + v.GitVersion +
			`", "gitCommit": "` + v.GitCommit + `", "gitTreeState": "` + v.GitTreeState + `", "buildDate": "` + v.BuildDate +
			`", "goVersion": "` + v.GoVersion + `", "compiler": "` + v.Compiler + `", "platform": "` + v.Platform + `"}}`)
		return 0
	}
	cli.Print("Client Version: " + v.GitVersion)
	if !cli.Has(args, "--client", "--client=true") {
		println("The connection to the server localhost:8080 was refused")
		return 1
	}
	return 0
}
