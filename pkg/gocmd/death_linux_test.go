package gocmd_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"kubedist/pkg/gocmd"
)

// TestRunForParent is not a test of its own: it is the process that TestGoDiesWithItsParent kills.
func TestRunForParent(t *testing.T) {
	fifo := os.Getenv("KUBEDIST_TEST_FIFO")
	if fifo == "" {
		return
	}
	g := newGo(t, gocmd.Options{Path: os.Getenv("KUBEDIST_TEST_GO")})
	err := g.Run(t.Context(), gocmd.Command{Dir: filepath.Dir(fifo), Args: []string{"build", fifo}})
	t.Errorf("the go command ended before its parent: %v", err)
}

// A go command ends when the process that runs it is killed and can do nothing about it.
func TestGoDiesWithItsParent(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "alive")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	alive, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	parent := exec.Command(os.Args[0], "-test.run=^TestRunForParent$")
	// The go command says its process id and becomes something that ignores the polite signal.
	parent.Env = append(os.Environ(), "TMPDIR="+t.TempDir(), "KUBEDIST_TEST_FIFO="+fifo,
		"KUBEDIST_TEST_GO="+script(t, `trap "" TERM; exec 3>"$2"; echo started >&3; exec sleep 1000`))
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	deadline := time.Now().Add(20 * time.Second)
	if err := reader.SetReadDeadline(deadline); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(reader, make([]byte, len("started\n"))); err != nil {
		t.Fatal(err)
	}
	// From here on the go command alone holds the write end, so its end is the end of the file.
	if err := alive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it says that the process was killed
	if _, err := io.Copy(io.Discard, reader); err != nil {
		t.Errorf("the go command outlived its parent: %v", err)
	}
}
