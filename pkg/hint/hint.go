// Package hint attaches to an error what its reader can do next. It knows nothing about what went wrong: an error
// says what and where, its hint says which flag, file or command helps.
package hint

import (
	"errors"
	"fmt"
)

// hinted is an error with a next step beside it. The next step is no part of Error(), so that wrapping does not bury
// it in the middle of a sentence.
type hinted struct {
	err  error
	next string
}

func (h *hinted) Error() string { return h.err.Error() }
func (h *hinted) Unwrap() error { return h.err }

// Errorf is fmt.Errorf with a next step: one imperative sentence without a final stop.
func Errorf(next, format string, args ...any) error {
	return &hinted{err: fmt.Errorf(format, args...), next: next}
}

// With attaches a next step to err. A nil err stays nil.
func With(err error, next string) error {
	if err == nil {
		return nil
	}
	return &hinted{err: err, next: next}
}

// Of returns the outermost next step in err's chain, or "".
func Of(err error) string {
	var h *hinted
	if errors.As(err, &h) {
		return h.next
	}
	return ""
}
