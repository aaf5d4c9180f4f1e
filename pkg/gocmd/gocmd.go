// Package gocmd runs the go command so that its result depends on the command alone: not on the GOFLAGS, GOWORK or
// GOEXPERIMENT of whoever started kubedist, nor on what `go env -w` once stored. What the user decides about fetching
// (proxies, checksum database, credentials) and about caches is honoured, wherever it was set. The package knows how
// to stop a go command with all its compilers and what go's own failures mean; it does not know what is being built.
package gocmd

import (
	"context"
	"encoding/json"
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"strings"

	"kubedist/pkg/hint"
)

// Local as a toolchain is the installed go command itself, whatever its release.
const Local = "local"

// Options say which go command to run and on whose behalf.
type Options struct {
	// Path is the go command; "" takes the one on the PATH of this process.
	Path string
	// Toolchain is the Go release to run as GOTOOLCHAIN names it ("go1.26.5", fetched when it is not installed), or
	// Local. "" lets go choose: its own release or the newer one that a go.mod asks for.
	Toolchain string
	// Environ is the environment of the user, in the form of os.Environ.
	Environ []string
	// TempDir is an existing directory for temporary files; "" takes GOTMPDIR or TMPDIR of Environ, else os.TempDir.
	TempDir string
}

// Go is a go command in its pinned environment. It is a value without state: safe for concurrent use.
type Go struct {
	path      string
	toolchain string
	environ   []string
	tempDir   string
}

// New finds the go command and asks it for the user's settings, those of `go env -w` included. It fails with a hint
// when there is no go command.
func New(ctx context.Context, o Options) (*Go, error) {
	path := o.Path
	if path == "" {
		found, err := exec.LookPath("go")
		if err != nil {
			return nil, hint.With(fmt.Errorf("finding the go command: %w", err), "install Go 1.26 or newer and put it on the PATH")
		}
		path = found
	}
	g := &Go{path: path, toolchain: Local, environ: o.Environ, tempDir: o.TempDir}
	var out strings.Builder
	err := g.run(ctx, Command{
		Dir:    os.TempDir(), // no go.mod or go.work of a project must take part in the answer
		Args:   append([]string{"env", "-json"}, settings...),
		Stdout: &out,
	}, override(undecided(o.Environ), "GOTOOLCHAIN=local", "GO111MODULE=off", "GOWORK=off", "GOFLAGS="), "")
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	if err := json.Unmarshal([]byte(out.String()), &values); err != nil {
		return nil, fmt.Errorf("reading the answer of go env: %w", err)
	}
	g.environ = pinned(o.Environ, values)
	return g.WithToolchain(o.Toolchain), nil
}

// WithToolchain returns the same go command running another toolchain; see Options.Toolchain.
func (g *Go) WithToolchain(toolchain string) *Go {
	other := *g
	other.toolchain = toolchain
	if toolchain == "" {
		other.toolchain = "auto"
	}
	return &other
}

// Toolchain returns the GOTOOLCHAIN value in use: "auto", "local" or a release such as "go1.26.5".
func (g *Go) Toolchain() string { return g.toolchain }

// Environ returns the whole environment of the go command, with extra (KEY=VALUE, the last of a key wins) on top.
// It holds no credentials but those that the variables named here hold: GOAUTH, GOPROXY and the HTTP proxies.
func (g *Go) Environ(extra ...string) []string {
	return override(override(g.environ, "GOTOOLCHAIN="+g.toolchain), extra...)
}

// Var asks the go command for one of the variables that `go env` knows, in the directory dir.
func (g *Go) Var(ctx context.Context, dir, name string) (string, error) {
	out, err := g.Output(ctx, Command{Dir: dir, Args: []string{"env", name}})
	return strings.TrimSpace(string(out)), err
}

// Version returns the release that runs, such as "go1.26.5". For a toolchain that is not installed yet this fetches
// it, so it is also the way to find out early that it cannot be had.
func (g *Go) Version(ctx context.Context) (string, error) {
	return g.Var(ctx, os.TempDir(), "GOVERSION")
}

// ToolchainFor returns the GOTOOLCHAIN name of a Go release as source trees write it: "1.26.5" is "go1.26.5". A
// language version that no release carries as its name is its first release: "1.26" is "go1.26.0". It refuses what
// is no Go version.
func ToolchainFor(release string) (string, error) {
	name := "go" + strings.TrimPrefix(release, "go")
	if !version.IsValid(name) || strings.ContainsAny(name, " \t\n-") {
		return "", fmt.Errorf("%q is no Go release", release)
	}
	if name == version.Lang(name) && version.Compare(name, "go1.21") >= 0 {
		name += ".0"
	}
	return name, nil
}
