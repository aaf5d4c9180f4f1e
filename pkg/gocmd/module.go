package gocmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Installation says which tool chain a Go command runs.
type Installation struct {
	Version string // go1.26.5
	// Module and Sum are the version of golang.org/toolchain that it was fetched as and that module's "h1:" sum, which
	// the checksum database has too. Both are "" for a Go that was installed otherwise.
	Module string
	Sum    string
}

// ToolchainModule is the module that carries fetched tool chains.
const ToolchainModule = "golang.org/toolchain"

// Installation asks which tool chain runs. One that is not there yet is fetched.
func (g *Go) Installation(ctx context.Context) (Installation, error) {
	out, err := g.Output(ctx, Command{Dir: os.TempDir(), Args: []string{"env", "-json", "GOVERSION", "GOROOT", "GOMODCACHE"}})
	if err != nil {
		return Installation{}, err
	}
	var env struct{ GOVERSION, GOROOT, GOMODCACHE string }
	if err := json.Unmarshal(out, &env); err != nil {
		return Installation{}, fmt.Errorf("reading the answer of go env: %w", err)
	}
	i := Installation{Version: env.GOVERSION}
	name, err := filepath.Rel(env.GOMODCACHE, env.GOROOT)
	if err != nil {
		return i, nil // on another volume, so not in the cache
	}
	version, fetched := strings.CutPrefix(filepath.ToSlash(name), ToolchainModule+"@")
	if !fetched || strings.Contains(version, "/") {
		return i, nil
	}
	i.Module = version
	// The go command writes the sum beside the zip that it checked and unpacked.
	sum, err := os.ReadFile(filepath.Join(env.GOMODCACHE, "cache", "download", filepath.FromSlash(ToolchainModule), "@v", version+".ziphash"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return i, fmt.Errorf("sum of tool chain %s: %w", version, err)
	}
	if text := strings.TrimSpace(string(sum)); strings.HasPrefix(text, "h1:") {
		i.Sum = text
	}
	return i, nil
}
