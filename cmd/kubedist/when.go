package main

import (
	"strconv"
	"time"

	"kubedist/pkg/hint"
)

// parseWhen reads a time as people write it: days, weeks, months or years from now, a date, or never, which is the
// zero time.
func parseWhen(text string, now time.Time) (time.Time, error) {
	if text == "never" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return at, nil
	}
	bad := hint.Errorf("write it as 2y, 6m, 12w, 90d, 2030-01-31 or never", "%q is not a time", text)
	if len(text) < 2 {
		return time.Time{}, bad
	}
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 16)
	if err != nil {
		return time.Time{}, bad
	}
	now = now.UTC().Truncate(time.Second)
	switch text[len(text)-1] {
	case 'd':
		return now.AddDate(0, 0, int(n)), nil
	case 'w':
		return now.AddDate(0, 0, 7*int(n)), nil
	case 'm':
		return now.AddDate(0, int(n), 0), nil
	case 'y':
		return now.AddDate(int(n), 0, 0), nil
	}
	return time.Time{}, bad
}
