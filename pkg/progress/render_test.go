package progress_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"kubedist/pkg/progress"
)

var errCancelled = context.Canceled

func ExampleStart() {
	now := time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	r, err := progress.New(&out, progress.Options{Now: func() time.Time { return now }})
	if err != nil {
		fmt.Println(err)
		return
	}
	task := progress.Start(r, "linux/arm64", "compile", "kubeadm", "kubelet")
	now = now.Add(3*time.Minute + 12*time.Second)
	task.Step("package", "kubeadm")
	now = now.Add(2 * time.Second)
	task.Done("2 packages")
	fmt.Print(out.String(), r.Close())
	// Output:
	//     0.0s  linux/arm64 compile kubeadm kubelet …
	//  3m12.0s  linux/arm64 package kubeadm … (compile took 3m12s)
	//  3m14.0s  linux/arm64 done in 3m14s: 2 packages
	// <nil>
}

func TestLineModes(t *testing.T) {
	t.Parallel()
	for _, mode := range []progress.Mode{progress.Plain, progress.Quiet, progress.JSON} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			clock := newVirtualClock()
			var out bytes.Buffer
			r, err := progress.New(&out, progress.Options{Mode: mode, Now: clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			play(r, clock.advance, func(string) {})
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			r.Report(progress.Event{Kind: progress.Notice, Message: "too late"})
			golden(t, string(mode)+".txt", out.String())
		})
	}
}

// Every line of JSON is a Record that converts back.
func TestJSONRecords(t *testing.T) {
	t.Parallel()
	clock := newVirtualClock()
	var out bytes.Buffer
	r, err := progress.New(&out, progress.Options{Mode: progress.JSON, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	clock.advance(1234567 * time.Microsecond)
	r.Report(progress.Event{Kind: progress.Failed, Task: "a\nb\x1b", Elapsed: 1500 * time.Millisecond, Err: errCompile})
	decoder := json.NewDecoder(&out)
	decoder.DisallowUnknownFields()
	var got progress.Record
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := progress.Record{
		Time: "2026-07-15T12:00:01.234Z", Kind: "failed", Task: "a\nb\x1b", Elapsed: 1.5,
		Error: errCompile.Error(), Hint: "read the compiler's words",
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if _, err := decoder.Token(); err != io.EOF {
		t.Errorf("more than one object: %v", err)
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		mode     progress.Mode
		terminal bool
		ansi     bool
		err      string
	}{
		{"", false, false, ""},
		{"", true, true, ""},
		{progress.Auto, true, true, ""},
		{progress.Plain, true, false, ""},
		{progress.Terminal, false, true, ""},
		{"fancy", false, false, `progress mode "fancy" is unknown`},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s,%v", test.mode, test.terminal), func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			r, err := progress.New(&out, progress.Options{Mode: test.mode, IsTerminal: test.terminal, Now: newVirtualClock().Now})
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			progress.Start(r, "a", "b").Done()
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			if got := strings.Contains(out.String(), "\x1b"); got != test.ansi {
				t.Errorf("control sequences: %v, want %v in %q", got, test.ansi, out.String())
			}
		})
	}
}

// What comes from outside cannot move the cursor or break lines.
func TestControlCharacters(t *testing.T) {
	t.Parallel()
	for _, mode := range []progress.Mode{progress.Plain, progress.Quiet, progress.JSON} {
		var out bytes.Buffer
		r, err := progress.New(&out, progress.Options{Mode: mode, Now: newVirtualClock().Now})
		if err != nil {
			t.Fatal(err)
		}
		progress.Start(r, "t\x1b[2J", "s\r", "d\n").Fail(errors.New("\x1b[31mred\u009b\nmore"))
		if text := out.String(); strings.ContainsAny(text, "\x1b\r\u009b") && mode != progress.JSON {
			t.Errorf("%s: %q", mode, text)
		}
		if lines := strings.Count(out.String(), "\n"); lines > 2 {
			t.Errorf("%s: %d lines for two events", mode, lines)
		}
	}
}

// Callers need not care whether anyone listens.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	for _, r := range []progress.Reporter{nil, progress.Discard{}} {
		play(r, func(time.Duration) {}, func(string) {})
		progress.Warn(r, "w")
		progress.Start(r, "a", "b").Skip("c")
	}
}

type recorder struct {
	mu     sync.Mutex
	events []progress.Event
}

func (r *recorder) Report(e progress.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func TestEnd(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	tests := []struct {
		err  error
		want progress.Kind
	}{
		{nil, progress.Done},
		{boom, progress.Failed},
		{fmt.Errorf("compiling: %w", context.Canceled), progress.Stopped},
		{context.DeadlineExceeded, progress.Failed},
	}
	for _, test := range tests {
		var r recorder
		task := progress.Start(&r, "a", "compile", "x", "y")
		task.Step("package")
		task.End(test.err)
		want := []progress.Event{
			{Kind: progress.Started, Task: "a", Step: "compile", Message: "x y"},
			{Kind: progress.Stepped, Task: "a", Step: "package"},
			{Kind: test.want, Task: "a", Step: "package", Err: test.err},
		}
		if fmt.Sprint(r.events) != fmt.Sprint(want) {
			t.Errorf("got  %v\nwant %v", r.events, want)
		}
	}
}

// Reports from many goroutines come out as whole lines, none of them lost.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	for _, mode := range []progress.Mode{progress.Plain, progress.JSON, progress.Terminal} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			out := newScreen(200)
			tick := make(chan time.Time)
			r, err := progress.New(out, progress.Options{Mode: mode, Now: newVirtualClock().Now, Tick: tick})
			if err != nil {
				t.Fatal(err)
			}
			const tasks = 50
			var wg sync.WaitGroup
			for i := range tasks {
				wg.Go(func() {
					task := progress.Start(r, fmt.Sprintf("task%02d", i), "compile")
					task.Step("package")
					task.Done()
				})
			}
			wg.Wait()
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			for i := range tasks {
				name := fmt.Sprintf("task%02d", i)
				want := map[progress.Mode]string{
					progress.Plain: name + " done in 0.0s\n", progress.JSON: `"kind":"done","task":"` + name + `"`,
					progress.Terminal: "|" + name + "          done in 0.0s\n",
				}[mode]
				if strings.Count(out.String(), want) != 1 {
					t.Errorf("%q comes %d times in\n%s", want, strings.Count(out.String(), want), out)
				}
			}
		})
	}
}

// A writer that fails does not disturb the work.
func TestBrokenWriter(t *testing.T) {
	t.Parallel()
	for _, mode := range []progress.Mode{progress.Plain, progress.JSON, progress.Terminal} {
		reader, writer := io.Pipe()
		reader.Close()
		r, err := progress.New(writer, progress.Options{Mode: mode, Now: newVirtualClock().Now})
		if err != nil {
			t.Fatal(err)
		}
		play(r, func(time.Duration) {}, func(string) {})
		if err := r.Close(); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
	}
}
