package main

import (
	"context"
	"errors"
)

// The exit statuses of kubedist. They are documented in the README; programs may rely on them.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitCheck       = 3
	exitInterrupted = 130
)

// statusError is an error that decides the exit status.
type statusError struct {
	err    error
	status int
}

func (e *statusError) Error() string { return e.err.Error() }
func (e *statusError) Unwrap() error { return e.err }

// usageError marks err as the caller's: a bad argument, flag or input file. A nil err stays nil.
func usageError(err error) error { return withStatus(err, exitUsage) }

// checkError marks err as the finding of a check that ran to its end. A nil err stays nil.
func checkError(err error) error { return withStatus(err, exitCheck) }

func withStatus(err error, status int) error {
	if err == nil {
		return nil
	}
	return &statusError{err: err, status: status}
}

// exitStatus maps an error to the status the process ends with.
func exitStatus(err error) int {
	var s *statusError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &s):
		return s.status
	}
	return exitFailure
}
