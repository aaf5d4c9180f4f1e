package apt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"kubedist/pkg/hint"
)

// journalFile holds the part of a commit that clients see, from the moment on at which it can no longer be taken back
// until it is done.
const journalFile = workDir + "/journal"

// maxJournal bounds the journal in bytes: room for some hundred thousand steps.
const maxJournal = 64 << 20

// journal is what a commit does once all files are durable: renames and links, which a few milliseconds suffice for.
// It is written down before the first of them, so that after a kill in the middle whoever takes the lock next does the
// rest, and several suites change together or not at all. Each step may be done twice.
type journal struct {
	Steps []journalStep `json:"steps"`
	// flushes are temporary files that must be durable before the journal is. All at once costs little more than one.
	flushes []flush
}

// flush is a temporary file and its modification time.
type flush struct {
	temp string
	at   time.Time
}

// journalStep is one change; its paths are relative to the root.
type journalStep struct {
	Do   journalVerb `json:"do"`
	From string      `json:"from,omitempty"`
	To   string      `json:"to,omitempty"`
}

// A journalVerb says what a step does.
type journalVerb string

const (
	journalPlace  journalVerb = "place"  // rename From, a temporary file or directory, to To
	journalLink   journalVerb = "link"   // make To another name of From
	journalRemove journalVerb = "remove" // remove To
	journalSync   journalVerb = "sync"   // make durable what was done so far
)

// add notes a step.
func (j *journal) add(verb journalVerb, from, to string) {
	j.Steps = append(j.Steps, journalStep{verb, from, to})
}

// empty reports whether nothing is to be done.
func (j *journal) empty() bool {
	for _, s := range j.Steps {
		if s.Do != journalSync {
			return false
		}
	}
	return true
}

// parseJournal reads a journal strictly. A step that leaves the archive is an error.
func parseJournal(data []byte) (*journal, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	j := &journal{}
	if err := d.Decode(j); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one document")
	}
	for i, s := range j.Steps {
		needs := []string{}
		switch s.Do {
		case journalPlace, journalLink:
			needs = []string{s.From, s.To}
		case journalRemove:
			needs = []string{s.To}
		case journalSync:
		default:
			return nil, fmt.Errorf("step %d: %q is unknown", i+1, s.Do)
		}
		for _, name := range needs {
			if name == "." || path.Clean(name) != name || !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, "\x00\\") {
				return nil, fmt.Errorf("step %d: path %q leaves the archive", i+1, name)
			}
		}
	}
	return j, nil
}

// record runs do, during which flush, place, linkTo, remove and sync change nothing but note what they would do.
func (d *disk) record(do func() error) (*journal, error) {
	j := &journal{}
	d.recording = j
	defer func() { d.recording = nil }()
	return j, do()
}

// writeJournal makes the journal durable, and with it the names of the temporary files that its steps are about.
func (d *disk) writeJournal(ctx context.Context, j *journal, at time.Time) error {
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	temp, err := d.write(append(text, '\n'))
	if err != nil {
		return err
	}
	flushes := slices.Concat(j.flushes, []flush{{temp, at}})
	if err := d.flushEach(ctx, len(flushes), func(i int) flush { return flushes[i] }); err != nil {
		return err
	}
	d.touched(workDir)
	d.touched(tempDir)
	d.touched(temp)
	if err := d.sync(ctx); err != nil {
		return err
	}
	if err := d.place(temp, journalFile); err != nil {
		return err
	}
	return d.sync(context.WithoutCancel(ctx))
}

// replay does the steps of a journal that is on the disk, and then removes it.
func (d *disk) replay(ctx context.Context, j *journal) error {
	for _, s := range j.Steps {
		var err error
		switch s.Do {
		case journalPlace:
			err = d.placeOnce(s.From, s.To)
		case journalLink:
			err = d.linkTo(ctx, s.From, s.To)
		case journalRemove:
			err = d.remove(s.To)
		case journalSync:
			err = d.sync(ctx)
		}
		if err != nil {
			return err
		}
	}
	if err := d.sync(ctx); err != nil {
		return err
	}
	if err := d.remove(journalFile); err != nil {
		return err
	}
	return d.sync(ctx)
}

// placeOnce is place for what may have been placed before.
func (d *disk) placeOnce(temp, name string) error {
	info, err := os.Lstat(d.path(temp))
	switch {
	case err == nil && info.IsDir():
		return d.placeDir(temp, name)
	case !errors.Is(err, fs.ErrNotExist):
		return d.place(temp, name)
	}
	if _, err := os.Lstat(d.path(name)); err != nil {
		return err
	}
	d.touched(name) // the rename may not be durable yet
	return nil
}

// rollForward does what the journal of a killed run says, if there is one.
func (d *disk) rollForward(ctx context.Context) error {
	f, err := os.Open(d.path(journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxJournal+1))
	if err == nil && len(data) > maxJournal {
		err = fmt.Errorf("larger than %d bytes", maxJournal)
	}
	var j *journal
	if err == nil {
		j, err = parseJournal(data)
	}
	if err != nil {
		return hint.With(fmt.Errorf("journal %s: %w", d.path(journalFile), err), "restore the archive from a mirror or a backup, or remove the file and publish again")
	}
	if err := d.skipTemporaryNames(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := d.replay(ctx, j); err != nil {
		return fmt.Errorf("finishing what a killed run began: %w", err)
	}
	return nil
}

// skipTemporaryNames makes new temporary files take other names than those that a killed run left.
func (d *disk) skipTemporaryNames() error {
	names, err := os.ReadDir(d.path(tempDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, entry := range names {
		if n, err := strconv.ParseInt(entry.Name(), 10, 64); err == nil && n > d.count.Load() {
			d.count.Store(n)
		}
	}
	return nil
}
