package source

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"kubedist/pkg/gocmd"
	"kubedist/pkg/hint"
)

// goVersion returns the Go release that compiles the tree at dir, such as "1.26.5": the override, what the file
// .go-version pins, or what go.mod asks for at least (its toolchain line, else its go line).
func goVersion(dir, override string) (string, error) {
	pinned, from := override, "the options"
	if pinned == "" {
		data, err := readBounded(filepath.Join(dir, ".go-version"), 256)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("reading the Go release of the tree: %w", err)
		}
		pinned, from = strings.TrimSpace(string(data)), ".go-version"
	}
	if pinned == "" {
		mod, err := readMod(dir)
		if err != nil {
			return "", err
		}
		from = "go.mod"
		switch {
		case mod.Toolchain != nil:
			pinned = mod.Toolchain.Name
		case mod.Go != nil:
			pinned = mod.Go.Version
		}
	}
	toolchain, err := gocmd.ToolchainFor(pinned)
	if err != nil {
		return "", hint.With(fmt.Errorf("pinned Go release of the tree, from %s: %w", from, err), "pin a release such as 1.26.5")
	}
	return strings.TrimPrefix(toolchain, "go"), nil
}
