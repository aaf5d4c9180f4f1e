package main

import (
	"fmt"
	"strconv"
	"strings"

	"kubedist/pkg/build"
	"kubedist/pkg/hint"
)

// budget is the machine's, or less where flags say so.
func (o *releaseOptions) budget() (build.Budget, error) {
	b := build.MachineBudget()
	if o.jobs < 0 {
		return b, fmt.Errorf("--jobs %d: must be at least 1", o.jobs)
	}
	if o.jobs > 0 {
		b.Cores = o.jobs
	}
	if o.memory != "" {
		size, err := parseSize(o.memory)
		if err != nil {
			return b, fmt.Errorf("--memory: %w", err)
		}
		b.Memory = size
	}
	return b, nil
}

// parseSize reads a number of bytes with an optional K, M, G or T (powers of 1024).
func parseSize(text string) (uint64, error) {
	number := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(text), "B"), "I")
	shift := 0
	if n := len(number); n > 0 {
		if i := strings.IndexByte("KMGT", number[n-1]); i >= 0 {
			number, shift = number[:n-1], 10*(i+1)
		}
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || n == 0 || n > 1<<62>>shift {
		return 0, hint.Errorf("write it as 8G or 8192M", "size %q: not a size", text)
	}
	return n << shift, nil
}
