// Package version is what the linker stamps: its variables are set with -X.
package version

import (
	"runtime"

	"k8s.io/apimachinery/pkg/version"
)

var (
	gitMajor     string
	gitMinor     string
	gitVersion   = "v0.0.0-master+$Format:%H$"
	gitCommit    = "$Format:%H$"
	gitTreeState = ""
	buildDate    = "1970-01-01T00:00:00Z"
)

// Get returns the stamp.
func Get() version.Info {
	return version.Info{
		Major: gitMajor, Minor: gitMinor,
		GitVersion: gitVersion, GitCommit: gitCommit, GitTreeState: gitTreeState,
		BuildDate: buildDate,
		GoVersion: runtime.Version(), Compiler: runtime.Compiler, Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
}
