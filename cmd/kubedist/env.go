package main

import (
	"io"
	"os"
	"path/filepath"
	"time"
)

// environment is everything a command may ask of the process it runs in. Commands get it passed in, so that tests can
// run them beside each other.
type environment struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string
	Now    func() time.Time
	// ConfigDir holds the user's keys, CacheDir what can be made again: source trees and build caches.
	ConfigDir string
	CacheDir  string
	// Executable is the path of this program; "" where the system does not tell.
	Executable string
}

// processEnvironment describes the running process. KUBEDIST_CONFIG and KUBEDIST_CACHE move the two directories;
// otherwise they lie where the operating system keeps such things.
func processEnvironment() (*environment, error) {
	env := &environment{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Now: time.Now,
		ConfigDir: os.Getenv("KUBEDIST_CONFIG"), CacheDir: os.Getenv("KUBEDIST_CACHE"),
	}
	env.Executable, _ = os.Executable() // only builds with a version control stamp need it, and they say so
	if env.ConfigDir == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return nil, err
		}
		env.ConfigDir = filepath.Join(dir, "kubedist")
	}
	if env.CacheDir == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		env.CacheDir = filepath.Join(dir, "kubedist")
	}
	return env, nil
}
