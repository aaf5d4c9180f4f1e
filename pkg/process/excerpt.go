package process

import "fmt"

// excerptEnd is how many bytes an Excerpt keeps of each end.
const excerptEnd = 32 << 10

// Excerpt keeps the beginning and the end of what is written to it, 32 KiB of each: the first error of a compiler and its
// last word. The zero Excerpt is empty.
type Excerpt struct {
	head, tail []byte
	dropped    int64
}

// Write never fails.
func (e *Excerpt) Write(p []byte) (int, error) {
	n := len(p)
	if room := excerptEnd - len(e.head); room > 0 {
		take := min(room, len(p))
		e.head = append(e.head, p[:take]...)
		p = p[take:]
	}
	e.tail = append(e.tail, p...)
	if over := len(e.tail) - excerptEnd; over > 0 {
		e.dropped += int64(over)
		e.tail = append(e.tail[:0], e.tail[over:]...)
	}
	return n, nil
}

// String returns what was kept, and between the ends how much was not.
func (e *Excerpt) String() string {
	if e.dropped == 0 {
		return string(e.head) + string(e.tail)
	}
	return fmt.Sprintf("%s\n[%d bytes left out]\n%s", e.head, e.dropped, e.tail)
}
