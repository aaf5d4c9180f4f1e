package deb

import (
	"bytes"
	"context"
	"fmt"
)

// Outline tells, before the files of p are made, what [Read] is going to tell of p: its name, version and architecture,
// and its control paragraph but for Installed-Size. It has [Write] write p without files and scripts, and reads that, so
// that nothing else says which fields a package gets. Files, Conffiles, Size and SHA256 are not known, and zero. Its
// errors are those of Write; tempDir is [Options.TempDir].
func Outline(ctx context.Context, p Package, tempDir string) (*Info, error) {
	p.Files, p.Scripts = nil, Scripts{}
	var b bytes.Buffer
	if err := Write(ctx, &b, p, Options{Compression: Compression{algorithm: "none"}, TempDir: tempDir}); err != nil {
		return nil, err
	}
	written, err := Read(ctx, &b, Limits{})
	if err != nil {
		return nil, fmt.Errorf("package %s: %w", p.Name, err)
	}
	outline := &Info{Package: written.Package, Version: written.Version, Architecture: written.Architecture}
	for _, f := range written.Control {
		if f.Name != "Installed-Size" {
			outline.Control = append(outline.Control, f)
		}
	}
	return outline, nil
}
