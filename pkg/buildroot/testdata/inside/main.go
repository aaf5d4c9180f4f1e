// Command inside tells what it finds around it, for tests of what a root looks like from inside.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Report is what there is.
type Report struct {
	Args, Env    []string
	Dir          string
	UID, GID     int
	Root, Dev    []string
	Capabilities string            // effective, in hex
	Writes       map[string]string // of each path given as write=PATH: "" or the error
	Reads        map[string]string // of each path given as read=PATH: its text or the error
	Stdin        string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "wait" {
		wait(os.Args[2])
	}
	r := Report{Args: os.Args, Env: os.Environ(), UID: os.Getuid(), GID: os.Getgid(), Writes: map[string]string{}, Reads: map[string]string{}}
	r.Dir, _ = os.Getwd()
	r.Root, r.Dev = list("/"), list("/dev")
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "CapEff:"); ok {
			r.Capabilities = strings.TrimSpace(text)
		}
	}
	for _, arg := range os.Args[1:] {
		if path, ok := strings.CutPrefix(arg, "write="); ok {
			r.Writes[path] = message(os.WriteFile(path, []byte("written"), 0o644))
		}
		if path, ok := strings.CutPrefix(arg, "read="); ok {
			data, err := os.ReadFile(path)
			r.Reads[path] = string(data) + message(err)
		}
	}
	stdin, _ := io.ReadAll(os.Stdin)
	r.Stdin = string(stdin)
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		os.Exit(1)
	}
	os.Exit(7)
}

func list(dir string) []string {
	entries, err := os.ReadDir(dir)
	names := []string{message(err)}[:0]
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// wait says in a pipe that it is there, and waits for a signal that it says in it too. It ignores SIGINT.
func wait(pipe string) {
	signal.Ignore(syscall.SIGINT)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	f, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(f, "started %d\n", syscall.Getpgrp())
	fmt.Fprintf(f, "got %v\n", <-signals)
	os.Exit(9)
}
