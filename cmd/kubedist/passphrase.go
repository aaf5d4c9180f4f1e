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
