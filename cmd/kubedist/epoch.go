package main

import (
	"fmt"
	"strconv"
	"time"
)

// sourceDateEpoch returns the time that SOURCE_DATE_EPOCH sets, or the zero time where it is not set
// (https://reproducible-builds.org/specs/source-date-epoch/).
func sourceDateEpoch(env *environment) (time.Time, error) {
	text := env.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, usageError(fmt.Errorf("SOURCE_DATE_EPOCH %q: not a number of seconds since 1970", text))
	}
	return time.Unix(seconds, 0).UTC(), nil
}
