package apt

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// traceFile is where the host that publishes tells mirrors what they have when they have it; "" when it tells nothing.
func (d *Definition) traceFile() string {
	if d.Trace == "" {
		return ""
	}
	return path.Join(projectDir, "trace", d.Trace)
}

// traceText is the trace of a publishing, in the form that Debian's mirrors write and read (project/trace, ftpsync): the
// date as date(1) writes it in a line of its own, then fields. The serial grows with every publishing.
func traceText(d *Definition, at time.Time) []byte {
	at = at.UTC()
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", at.Format(time.UnixDate))
	for _, f := range [][2]string{
		{"Date", at.Format(time.RFC1123Z)},
		{"Date-Started", at.Format(time.RFC1123Z)},
		{"Archive serial", at.Format("20060102150405")},
		{"Creator", "kubedist"},
		{"Running on host", d.Trace},
		{"Architectures", "all " + strings.Join(d.Architectures, " ")},
	} {
		fmt.Fprintf(&b, "%s: %s\n", f[0], f[1])
	}
	return []byte(b.String())
}
