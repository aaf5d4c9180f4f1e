package deb

import (
	"fmt"
	"strconv"
	"strings"

	"kubedist/pkg/hint"
)

// Compression is the method and level that the data member is compressed with. The zero value is zstd at its default
// level, which dpkg reads since 1.21.18: Debian 12 and every supported Ubuntu.
type Compression struct {
	algorithm string
	level     int // 0: the algorithm's default
}

// ParseCompression reads ALGORITHM or ALGORITHM:LEVEL:
//
//	zstd  levels 1 to 22, mapped to the four that the Go encoder has: 1-2, 3-5, 6-9, 10-22
//	gzip  levels 1 to 9
//	xz    no levels
//	none  no levels
//
// Higher levels are slower and smaller; the defaults are zstd:6 and gzip:9. All else is an error.
func ParseCompression(s string) (Compression, error) {
	algorithm, level, found := strings.Cut(s, ":")
	most := 0
	switch algorithm {
	case "zstd":
		most = 22
	case "gzip":
		most = 9
	case "xz", "none":
		if found {
			return Compression{}, fmt.Errorf("compression %q: %s has no levels", s, algorithm)
		}
	default:
		return Compression{}, hint.Errorf("choose zstd, gzip, xz or none", "compression %q: unknown algorithm %q", s, algorithm)
	}
	c := Compression{algorithm: algorithm}
	if !found {
		return c, nil
	}
	n, err := strconv.Atoi(level)
	if err != nil || n < 1 || n > most || strconv.Itoa(n) != level {
		return Compression{}, fmt.Errorf("compression %q: level %q is not a number from 1 to %d", s, level, most)
	}
	c.level = n
	return c, nil
}

// String writes c in the form that ParseCompression takes.
func (c Compression) String() string {
	switch {
	case c.algorithm == "":
		return "zstd"
	case c.level == 0:
		return c.algorithm
	}
	return c.algorithm + ":" + strconv.Itoa(c.level)
}

// UnmarshalText reads the form that ParseCompression takes.
func (c *Compression) UnmarshalText(text []byte) error {
	parsed, err := ParseCompression(string(text))
	if err == nil {
		*c = parsed
	}
	return err
}

// MarshalText writes the form that ParseCompression takes.
func (c Compression) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
