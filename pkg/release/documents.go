package release

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kubedist/pkg/atomicfile"
	"kubedist/pkg/hint"
	"kubedist/pkg/ledger"
	"kubedist/pkg/spec"
)

// documentTime bounds one run of a program that writes a document; kubectl's man pages take a second.
const documentTime = 5 * time.Minute

// documents holds what the programs of the release wrote about themselves, as paths of files by document.
type documents struct {
	ready chan struct{} // closed when files or err is set
	files map[string][]ledger.File
	err   error
}

// wait returns the documents once they are made.
func (d *documents) wait(ctx context.Context) (map[string][]ledger.File, error) {
	select {
	case <-d.ready:
		return d.files, d.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// writeDocuments runs the programs that write the plan's documents. They have been compiled for this machine; programs
// names their files.
func (r *run) writeDocuments(ctx context.Context, programs map[string]ledger.File) (map[string][]ledger.File, error) {
	made := map[string][]ledger.File{}
	for _, name := range r.plan.Documents {
		d, _ := r.Spec.Document(name)
		program, ok := programs[d.Binary]
		if !ok {
			return nil, fmt.Errorf("document %s: program %s was not compiled for this machine", name, d.Binary)
		}
		step, key := "document "+name, ledger.Key("document", 1, program.SHA256, d)
		if files, ok := r.ledger.Fresh(ctx, step, key); ok && len(files) > 0 {
			made[name] = files
			continue
		}
		files, err := r.writeDocument(ctx, d, filepath.Join(r.Dir(), filepath.FromSlash(program.Path)))
		if err != nil {
			return nil, fmt.Errorf("document %s: %w", name, err)
		}
		if made[name], err = r.ledger.Record(ctx, step, key, files); err != nil {
			return nil, fmt.Errorf("document %s: %w", name, err)
		}
	}
	return made, nil
}

// writeDocument runs program into an empty directory and returns the paths of what it wrote, sorted.
func (r *run) writeDocument(ctx context.Context, d spec.Document, program string) ([]string, error) {
	dir := filepath.Join(r.ledger.Dir(), "documents", d.Name)
	if err := errors.Join(os.RemoveAll(dir), atomicfile.MkdirAll(dir)); err != nil {
		return nil, err
	}
	program, err := filepath.Abs(program)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, documentTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for _, arg := range d.Args {
		expanded, err := expand(arg, map[string]string{"Out": absolute})
		if err != nil {
			return nil, err
		}
		cmd.Args = append(cmd.Args, expanded)
	}
	// The same environment everywhere, so that defaults which programs read from it are the same in every release. The
	// home directory is one that cannot exist: nothing of the user's is read or shown.
	cmd.Env = []string{"HOME=/home/username", "LC_ALL=C", "TZ=UTC", "PATH=/usr/bin:/bin"}
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, hint.Errorf("run it by hand to see more", "%s: %w: %s", strings.Join(cmd.Args, " "), err, excerpt(stderr.String()))
	}
	if d.Stdout != "" {
		if err := atomicfile.WriteFile(filepath.Join(dir, d.Stdout), stdout.Bytes(), 0o644); err != nil {
			return nil, err
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if !e.Type().IsRegular() {
			return nil, fmt.Errorf("%s wrote %s, which is no regular file", d.Binary, e.Name())
		}
		files = append(files, filepath.Join(dir, e.Name()))
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s wrote nothing", strings.Join(cmd.Args, " "))
	}
	slices.Sort(files)
	return files, nil
}

// excerpt is the beginning of what a program had to say.
func excerpt(s string) string {
	const most = 1000
	if s = strings.TrimSpace(s); len(s) > most {
		s = s[:most] + " …"
	}
	return s
}
