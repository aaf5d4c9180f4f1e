package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"kubedist/pkg/hint"
)

// maxPassphrase is the longest passphrase, in bytes.
const maxPassphrase = 4096

// passphrase returns the first line of a file ("-" is standard input) or, when none is named, what KUBEDIST_PASSPHRASE
// holds; nothing means there is no passphrase. A passphrase is never an argument, where others could see it.
func passphrase(env *environment, file string) ([]byte, error) {
	if file == "" {
		return []byte(env.Getenv("KUBEDIST_PASSPHRASE")), nil
	}
	in := env.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("passphrase file: %w", err)
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxPassphrase+3))
	if err != nil {
		return nil, fmt.Errorf("passphrase file %s: %w", file, err)
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 {
		return nil, hint.Errorf("write the passphrase into its first line", "passphrase file %s: its first line is empty", file)
	}
	if len(line) > maxPassphrase {
		return nil, fmt.Errorf("passphrase file %s: its first line is longer than %d bytes", file, maxPassphrase)
	}
	return line, nil
}

// passphrases are those of all keys of a command, read when the first locked key asks for them and not before.
type passphrases struct {
	files []string
	all   [][]byte
	err   error
	done  bool
}

// read returns the passphrases: of each file the first line, or what KUBEDIST_PASSPHRASE holds; there may be none.
func (p *passphrases) read(env *environment) ([][]byte, error) {
	if p.done {
		return p.all, p.err
	}
	p.done = true
	files := p.files
	if len(files) == 0 {
		files = []string{""} // the environment
	}
	for _, file := range files {
		secret, err := passphrase(env, file)
		if err != nil {
			p.err = err
			return nil, err
		}
		if len(secret) > 0 {
			p.all = append(p.all, secret)
		}
	}
	return p.all, nil
}
