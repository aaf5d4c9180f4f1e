package bucket

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The program under test, and one that is a server: $KUBEDIST and $VERSITYGW, or compiled here.
var kubedist, versitygw string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "kubedist-bucket-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	kubedist, versitygw = os.Getenv("KUBEDIST"), os.Getenv("VERSITYGW")
	if versitygw == "" {
		versitygw = filepath.Join(dir, "versitygw")
		err = build(".", versitygw, "github.com/versity/versitygw/cmd/versitygw")
	}
	if kubedist == "" && err == nil {
		kubedist = filepath.Join(dir, "kubedist")
		err = build(filepath.Join("..", ".."), kubedist, "./cmd/kubedist")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func build(dir, program, pkg string) error {
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", program, pkg)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compiling %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// tree is an archive's directory and who pushes it.
type tree struct {
	t      *testing.T
	root   string
	config string
	server *server
}

func newTree(t *testing.T, s *server) *tree {
	t.Helper()
	a := &tree{t: t, root: filepath.Join(t.TempDir(), "public"), config: t.TempDir(), server: s}
	a.must("key", "new", "--name", "Archive", "--email", "archive@example.org")
	return a
}

// clone is a copy of the tree on another machine.
func (a *tree) clone() *tree {
	a.t.Helper()
	other := *a
	other.root = filepath.Join(a.t.TempDir(), "public")
	if out, err := exec.Command("cp", "-a", a.root, other.root).CombinedOutput(); err != nil {
		a.t.Fatalf("%v: %s", err, out)
	}
	return &other
}

func (a *tree) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, kubedist, args...)
	cmd.Env = append(append(os.Environ(), "KUBEDIST_CONFIG="+a.config, "KUBEDIST_CACHE="+a.config), a.server.env...)
	cmd.Dir = a.config // no repo/archive.yaml beside it
	return cmd
}

func (a *tree) must(args ...string) string {
	a.t.Helper()
	out, err := a.command(a.t.Context(), args...).CombinedOutput()
	if err != nil {
		a.t.Fatalf("kubedist %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// add publishes a new package of that many random bytes.
func (a *tree) add(name, version string, size int) {
	a.t.Helper()
	a.must("repo", "add", "--root", a.root, "--suite", "stable", newDeb(a.t, name, version, size))
}

func (a *tree) pushArgs(more ...string) []string {
	return append([]string{"repo", "push", "--root", a.root, "--lease", "6s", a.server.url}, more...)
}

func (a *tree) push() string {
	a.t.Helper()
	return a.must(a.pushArgs()...)
}

// newDeb writes a package whose data nobody can pack.
func newDeb(t *testing.T, name, version string, size int) string {
	t.Helper()
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: Kubernetes Authors <dev@example.org>\nDescription: for tests\n", name, version)
	random := rand.NewChaCha8([32]byte{byte(size), byte(len(version))})
	data := make([]byte, size)
	random.Read(data)
	out := bytes.NewBufferString("!<arch>\n")
	for _, m := range []struct{ name, file, text string }{
		{"debian-binary", "", "2.0\n"}, {"control.tar", "./control", control}, {"data.tar", "./usr/share/" + name + "-" + version, string(data)},
	} {
		text := m.text
		if m.file != "" {
			var b bytes.Buffer
			w := tar.NewWriter(&b)
			err := w.WriteHeader(&tar.Header{Name: m.file, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(m.text))})
			_, writeErr := io.WriteString(w, m.text)
			if err := errors.Join(err, writeErr, w.Close()); err != nil {
				t.Fatal(err)
			}
			text = b.String()
		}
		fmt.Fprintf(out, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", m.name, 0, 0, 0, 0o100644, len(text))
		out.WriteString(text)
	}
	file := filepath.Join(t.TempDir(), name+"_"+version+"_amd64.deb")
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
