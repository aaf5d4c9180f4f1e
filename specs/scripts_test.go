package specs_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kubedist/pkg/deb"
	"kubedist/pkg/spec"
)

// machine runs maintainer scripts against a systemctl that only notes how it was called.
type machine struct {
	t    *testing.T
	dir  string
	pkg  deb.Package
	fail bool // systemctl fails
}

func newMachine(t *testing.T, name string, systemd bool) *machine {
	t.Helper()
	s := load(t)
	i := slices.IndexFunc(s.Packages, func(p spec.Package) bool { return p.Name == name })
	m := &machine{t: t, dir: t.TempDir(), pkg: render(t, s, s.Packages[i], "amd64")}
	fake := "#!/bin/sh\necho \"$*\" >>" + m.dir + "/calls\nexit ${FAIL:-0}\n"
	err := errors.Join(os.MkdirAll(filepath.Join(m.dir, "run"), 0o755), os.Mkdir(filepath.Join(m.dir, "bin"), 0o755),
		os.WriteFile(filepath.Join(m.dir, "bin", "systemctl"), []byte(fake), 0o755))
	if systemd {
		err = errors.Join(err, os.MkdirAll(filepath.Join(m.dir, "run/systemd/system"), 0o755))
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// run runs one script as dpkg would, and returns the calls of systemctl. /run is a directory of the machine.
func (m *machine) run(script string, args ...string) []string {
	m.t.Helper()
	text := map[string][]byte{
		"preinst": m.pkg.Scripts.Preinst, "postinst": m.pkg.Scripts.Postinst,
		"prerm": m.pkg.Scripts.Prerm, "postrm": m.pkg.Scripts.Postrm,
	}[script]
	if len(text) == 0 {
		return nil
	}
	path := filepath.Join(m.dir, script)
	if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte("/run/"), []byte(m.dir+"/run/")), 0o755); err != nil {
		m.t.Fatal(err)
	}
	cmd := exec.CommandContext(m.t.Context(), "/bin/sh", append([]string{path}, args...)...)
	cmd.Env = []string{"PATH=" + m.dir + "/bin:/usr/bin:/bin"}
	if m.fail {
		cmd.Env = append(cmd.Env, "FAIL=1")
	}
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		m.t.Errorf("%s %q: %v\n%s", script, args, err, out)
	}
	calls, err := os.ReadFile(filepath.Join(m.dir, "calls"))
	if err != nil {
		return nil
	}
	if err := os.Remove(filepath.Join(m.dir, "calls")); err != nil {
		m.t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(calls), "\n"), "\n")
}

// step is one script that dpkg runs, and the calls of systemctl that it should make.
type step struct {
	script string
	args   []string
	calls  []string
}

func steps(command string, calls ...string) step {
	fields := strings.Fields(command)
	for i, field := range fields {
		fields[i] = strings.ReplaceAll(field, "''", "")
	}
	return step{fields[0], fields[1:], calls}
}

const (
	reload  = "daemon-reload"
	preset  = "preset kubelet.service"
	disable = "--no-reload disable kubelet.service"
	stop    = "stop kubelet.service"
)

// TestScripts goes through what dpkg does to packages (Policy 6.6 to 6.8).
func TestScripts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, pkg string
		steps     []step
	}{
		{"install, remove, purge", "kubelet", []step{
			steps("preinst install"),
			steps("postinst configure ''", reload, preset),
			steps("prerm remove", disable, stop),
			steps("postrm remove", reload),
			steps("postrm purge", reload),
		}},
		{"an upgrade leaves the choice to enable it alone", "kubelet", []step{
			steps("prerm upgrade 1.36.4-1.1"),
			steps("preinst upgrade 1.36.3-1.1"),
			steps("postrm upgrade 1.36.4-1.1"),
			steps("postinst configure 1.36.3-1.1", reload),
		}},
		{"removed and installed again", "kubelet", []step{
			steps("prerm remove", disable, stop),
			steps("postrm remove", reload),
			steps("preinst install 1.36.3-1.1"),
			steps("postinst configure 1.36.3-1.1", reload, preset),
			steps("postinst configure 1.36.3-1.1", reload),
		}},
		{"an installation that failed leaves no note", "kubelet", []step{
			steps("preinst install 1.36.3-1.1"),
			steps("postrm abort-install 1.36.3-1.1"),
			steps("postinst configure 1.36.3-1.1", reload),
		}},
		{"aborted removal", "kubelet", []step{steps("postinst abort-remove", reload)}},
		{"kubeadm", "kubeadm", []step{
			steps("postinst configure ''", reload),
			steps("postinst configure 1.36.3-1.1", reload),
			steps("postrm upgrade 1.36.4-1.1"),
			steps("postrm remove", reload),
			steps("postrm purge", reload),
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			running, broken, chroot := newMachine(t, test.pkg, true), newMachine(t, test.pkg, true), newMachine(t, test.pkg, false)
			broken.fail = true
			for _, s := range test.steps {
				if got := running.run(s.script, s.args...); !slices.Equal(got, s.calls) {
					t.Errorf("%s %q calls systemctl with %q, want %q", s.script, s.args, got, s.calls)
				}
				if got := broken.run(s.script, s.args...); !slices.Equal(got, s.calls) {
					t.Errorf("%s %q calls a systemctl that fails with %q, want %q", s.script, s.args, got, s.calls)
				}
				if got := chroot.run(s.script, s.args...); len(got) > 0 {
					t.Errorf("%s %q calls systemctl without systemd: %q", s.script, s.args, got)
				}
			}
			if left, err := filepath.Glob(filepath.Join(chroot.dir, "run/*")); err != nil || len(left) > 0 {
				t.Errorf("left in /run: %q, %v", left, err)
			}
			if left, err := filepath.Glob(filepath.Join(running.dir, "run/kubelet*")); err != nil || len(left) > 0 {
				t.Errorf("left in /run: %q, %v", left, err)
			}
		})
	}
}

// TestScriptsAreStrict: every script is POSIX sh that ends with its first failure.
func TestScriptsAreStrict(t *testing.T) {
	t.Parallel()
	s := load(t)
	for _, p := range s.Packages {
		d := render(t, s, p, "amd64")
		for name, text := range map[string][]byte{
			"preinst": d.Scripts.Preinst, "postinst": d.Scripts.Postinst, "prerm": d.Scripts.Prerm, "postrm": d.Scripts.Postrm,
		} {
			if len(text) == 0 {
				continue
			}
			if !bytes.HasPrefix(text, []byte("#!/bin/sh\n")) || !bytes.Contains(text, []byte("\nset -e\n")) {
				t.Errorf("%s of %s begins with neither #!/bin/sh nor set -e", name, p.Name)
			}
			cmd := exec.CommandContext(t.Context(), "/bin/sh", "-n")
			cmd.Stdin = bytes.NewReader(text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s of %s: %v\n%s", name, p.Name, err, out)
			}
		}
	}
}
