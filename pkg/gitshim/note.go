package gitshim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"kubedist/pkg/hint"
)

// ErrUnanswered is a question to git that the stand-in has no answer for.
var ErrUnanswered = errors.New("question to git without an answer")

// maxNotes bounds what is read of the notes. A build asks a dozen questions of a hundred bytes.
const maxNotes = 1 << 20

// note is one question without an answer. The file of notes has a line of JSON for each.
type note struct {
	Args []string `json:"args"`
	Dir  string   `json:"dir"`
	Why  string   `json:"why"`
	// Elsewhere is a question about another directory than the tree.
	Elsewhere bool `json:"elsewhere,omitempty"`
}

// err is what to say about the question, and what to do about it.
func (n note) err() error {
	next := "build from a git checkout of the tag with --source DIR, which needs no stand-in; for kubedist to learn what this Go release asks, add it to the questions of pkg/gitshim"
	if n.Elsewhere {
		next = "fetch all modules before the build (go mod download): the stand-in speaks for one tree only"
	}
	return hint.Errorf(next, "%w: git %s in %s: %s", ErrUnanswered, quoted(n.Args), n.Dir, n.Why)
}

// quoted joins arguments so that one can tell them apart.
func quoted(args []string) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = arg
		if arg == "" || strings.ContainsAny(arg, " \t\n\r'\"\\") {
			words[i] = fmt.Sprintf("%q", arg)
		}
	}
	return strings.Join(words, " ")
}

// write adds the note to the file. Builds beside each other share it: one write in append mode does not mix with others.
func (n note) write(name string) error {
	line, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("noting a question to git: %w", err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("noting a question to git: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// readNotes returns the questions that were noted, each once, in the order of the first time; none where there is no file.
func readNotes(name string) ([]note, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the questions to git: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxNotes))
	if err != nil {
		return nil, fmt.Errorf("reading the questions to git: %w", err)
	}
	return parseNotes(data), nil
}

// parseNotes reads lines of notes. A line that is none, as a killed build or a full disk leaves it, is a question too:
// that something was asked is what counts.
func parseNotes(data []byte) []note {
	var notes []note
	seen := map[string]bool{}
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || seen[string(line)] {
			continue
		}
		seen[string(line)] = true
		var n note
		if err := json.Unmarshal(line, &n); err != nil || n.Why == "" {
			n = note{Args: []string{string(line)}, Why: "not noted in full"}
		}
		notes = append(notes, n)
	}
	return notes
}
