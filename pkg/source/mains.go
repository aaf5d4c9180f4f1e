package source

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kubedist/pkg/gocmd"
	"kubedist/pkg/hint"
)

// Mains returns the import paths of the main packages that patterns match (as `go list` reads them, such as
// ./plugins/main/...) and that have files for the operating system goos, sorted. Packages that name constraints
// exclude there are left out; one without constraints is in, whether or not it compiles. A pattern without a main
// package is an error, because a typing error would otherwise make an empty package.
func Mains(ctx context.Context, g *gocmd.Go, t *Tree, patterns []string, goos string) ([]string, error) {
	var all []string
	for _, pattern := range patterns {
		// -find does not look at imports, so nothing is downloaded. The architecture decides nothing here, but must
		// be one that every operating system has.
		out, err := g.Output(ctx, gocmd.Command{
			Dir:  t.Dir,
			Args: []string{"list", "-find", "-f", `{{if eq .Name "main"}}{{.ImportPath}}{{end}}`, "--", pattern},
			Env:  append(t.Env(), "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0"),
		})
		if err != nil {
			return nil, fmt.Errorf("listing the commands of %s: %w", t.Name, err)
		}
		found := strings.Fields(string(out))
		if len(found) == 0 {
			return nil, hint.Errorf("correct the pattern in the spec", "%s has no command for %s under %s", t.Name, goos, pattern)
		}
		all = append(all, found...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
