// Package version holds what a program knows of its own build.
package version

// Info is that knowledge.
type Info struct {
	Major, Minor                        string
	GitVersion, GitCommit, GitTreeState string
	BuildDate                           string
	GoVersion, Compiler, Platform       string
}

// String writes the fields the way the programs of Kubernetes print them.
func (i Info) String() string {
	return `version.Info{Major:"` + i.Major + `", Minor:"` + i.Minor + `", GitVersion:"` + i.GitVersion +
		`", GitCommit:"` + i.GitCommit + `", GitTreeState:"` + i.GitTreeState + `", BuildDate:"` + i.BuildDate +
		`", GoVersion:"` + i.GoVersion + `", Compiler:"` + i.Compiler + `", Platform:"` + i.Platform + `"}`
}
