package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"kubedist/pkg/gocmd"
	"kubedist/pkg/hint"
)

// download is one module in the module cache, as `go mod download -json` reports it.
type download struct {
	Path, Version  string
	Error          string
	Info, Zip, Dir string
	Sum            string
}

func (d download) sum() Sum { return Sum{Module: d.Path, Version: d.Version, Sum: d.Sum} }

// time returns when the version was committed: the Time of its .info file, which the module proxy protocol defines.
func (d download) time() (time.Time, error) {
	data, err := readBounded(d.Info, 1<<20)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the time of %s@%s: %w", d.Path, d.Version, err)
	}
	var info struct{ Time time.Time }
	if err := json.Unmarshal(data, &info); err != nil {
		return time.Time{}, fmt.Errorf("reading the time of %s@%s: %w", d.Path, d.Version, err)
	}
	return info.Time, nil
}

// downloader fetches modules with the go command in an empty directory, where nothing but the user's settings and the
// checksum database decide what is good.
type downloader struct {
	command *gocmd.Go
	dir     string
}

// main fetches the module that a tree is of. For a version that does not exist the error names those that do.
func (d downloader) main(ctx context.Context, path, version string) (download, error) {
	got, err := d.fetch(ctx, []module.Version{{Path: path, Version: version}})
	if err != nil {
		return download{}, err
	}
	if got[0].Error == "" {
		return got[0], nil
	}
	if !notServed(got[0].Error) {
		return download{}, got[0].failure()
	}
	known, err := d.versions(ctx, path)
	switch {
	case ctx.Err() != nil:
		return download{}, context.Cause(ctx)
	case slices.Contains(known, version), refused(got[0].Error):
		return download{}, got[0].failure()
	case err != nil || len(known) == 0:
		// A directory or a plain web server as the proxy may do without the list.
		return download{}, hint.Errorf("check module, version and GOPROXY, or use a checkout with --source DIR",
			"%s %s: %w: %s", path, version, ErrUnknownVersion, strings.TrimSpace(got[0].Error))
	}
	return download{}, hint.Errorf("name one of these, or use a checkout with --source DIR",
		"%s %s: %w; the nearest ones are %s", path, version, ErrUnknownVersion, strings.Join(nearest(known, version), ", "))
}

// staging fetches the other modules of a workspace, all with one go command. Its error names every one that is missing.
func (d downloader) staging(ctx context.Context, modules []module.Version) ([]download, error) {
	got, err := d.fetch(ctx, modules)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, m := range got {
		switch {
		case m.Error == "":
		case notServed(m.Error):
			missing = append(missing, m.Path+"@"+m.Version)
		default:
			return nil, m.failure()
		}
	}
	if len(missing) > 0 {
		return nil, hint.Errorf("use a checkout with --source DIR; a module that nothing needs can be listed under skip of its source in the spec",
			"staging modules not served by the module proxy: %s", strings.Join(missing, ", "))
	}
	return got, nil
}

// fetch downloads modules and returns what the go command says of each, in the order of modules. Its error is for the
// command as a whole; the failure of one module is in its Error.
func (d downloader) fetch(ctx context.Context, modules []module.Version) ([]download, error) {
	if len(modules) == 0 {
		return nil, nil
	}
	const scratch = "module kubedist.invalid/scratch\n"
	if err := os.WriteFile(filepath.Join(d.dir, "go.mod"), []byte(scratch), 0o644); err != nil {
		return nil, err
	}
	args := []string{"mod", "download", "-json"}
	for _, m := range modules {
		args = append(args, m.String())
	}
	// The command exits non-zero when one module fails, after it has reported on all of them.
	out, runErr := d.command.Output(ctx, gocmd.Command{Dir: d.dir, Args: args})
	if ctx.Err() != nil {
		return nil, runErr
	}
	reported, err := parseDownloads(bytes.NewReader(out))
	if err != nil || len(reported) == 0 {
		return nil, errors.Join(runErr, err)
	}
	ordered := make([]download, 0, len(modules))
	for _, m := range modules {
		i := slices.IndexFunc(reported, func(r download) bool { return r.Path == m.Path && r.Version == m.Version })
		if i < 0 {
			return nil, errors.Join(fmt.Errorf("downloading %s: the go command says nothing of it", m), runErr)
		}
		ordered = append(ordered, reported[i])
	}
	return ordered, nil
}

// parseDownloads reads the stream of JSON objects that `go mod download -json` writes.
func parseDownloads(r io.Reader) ([]download, error) {
	var all []download
	dec := json.NewDecoder(r)
	for {
		var d download
		err := dec.Decode(&d)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the answer of go mod download: %w", err)
		}
		all = append(all, d)
	}
}

// failure is the error of a module that could not be had.
func (d download) failure() error {
	module := d.Path + "@" + d.Version
	said := strings.TrimPrefix(strings.TrimSpace(d.Error), module+": ") // go names it too
	err := fmt.Errorf("downloading %s: %s", module, said)
	if next := gocmd.Hint(d.Error); next != "" {
		return hint.With(err, next)
	}
	return err
}

// notServed tells from go's words whether the proxy answered that it does not have a version, or will not give it,
// rather than that it could not be asked or that the module was wrong.
func notServed(said string) bool {
	if refused(said) {
		return true
	}
	// The words behind the status are the server's own: "404 Not Found", "404 File not found". A directory as the proxy
	// (file://) has no file of that name.
	for _, says := range []string{"unknown revision", ": 404 ", ": 410 ", "no such file or directory", "no matching versions"} {
		if strings.Contains(said, says) {
			return true
		}
	}
	return false
}

// refused tells from go's words whether the proxy will not give a version, which says nothing of whether there is one.
func refused(said string) bool { return strings.Contains(said, ": 403 ") }

// versions lists what the proxy says it has of a module, ascending.
func (d downloader) versions(ctx context.Context, path string) ([]string, error) {
	out, err := d.command.Output(ctx, gocmd.Command{Dir: d.dir, Args: []string{"list", "-m", "-versions", "-f", "{{join .Versions \"\\n\"}}", path}})
	if err != nil {
		return nil, err
	}
	known := strings.Fields(string(out))
	semver.Sort(known)
	return known, nil
}

// nearest picks what a user who asked for version may have meant: the newest releases of the same minor, or of all
// when that minor has none. known is ascending; so is the result.
func nearest(known []string, version string) []string {
	const most = 5
	same := slices.DeleteFunc(slices.Clone(known), func(v string) bool {
		return semver.MajorMinor(v) != semver.MajorMinor(version)
	})
	if len(same) == 0 {
		same = known
	}
	return same[max(0, len(same)-most):]
}
