package process_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"kubedist/pkg/process"
)

// TestRunStopsTheGroup: what a command started has ended when Run returns because its context has.
func TestRunStopsTheGroup(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	cmd := exec.CommandContext(ctx, "sh", "-c", "(trap '' TERM; exec sleep 1000) & echo started; wait")
	cmd.Stdout = write
	process.Isolate(cmd)
	done := make(chan error, 1)
	go func() { done <- process.Run(ctx, cmd) }()
	lines := bufio.NewReader(read)
	if line, err := lines.ReadString('\n'); line != "started\n" {
		t.Fatalf("%q, %v", line, err)
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("a stopped command is no error")
	}
	// Not while Run may still hand it over.
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	// The pipe ends when the last process that can write to it has.
	if rest, err := lines.ReadString('\n'); rest != "" || err == nil {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestExcerpt(t *testing.T) {
	t.Parallel()
	e := &process.Excerpt{}
	write := func(s string) {
		if n, err := e.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatal(n, err)
		}
	}
	write("first\n")
	if e.String() != "first\n" {
		t.Errorf("%q", e.String())
	}
	for range 100 {
		write(strings.Repeat("x", 1000))
	}
	write("last\n")
	got := e.String()
	if !strings.HasPrefix(got, "first\nx") || !strings.HasSuffix(got, "xlast\n") || !strings.Contains(got, "\n[34475 bytes left out]\n") {
		t.Errorf("%d bytes: %.10q … %q", len(got), got, got[len(got)-10:])
	}
}
