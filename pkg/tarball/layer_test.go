package tarball_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"kubedist/pkg/tarball"
)

// debian is laid out as Debian is since its release 12.
func debian() *tarball.Archive {
	return &tarball.Archive{Root: true, Files: []tarball.File{
		{Name: "bin", Link: "usr/bin"},
		{Name: "etc/alternatives/awk", Link: "/usr/bin/mawk"},
		{Name: "home/app", Dir: true, Mode: 0o700, UID: 65532, GID: 100},
		{Name: "loop", Link: "pool"},
		{Name: "pool", Link: "loop"},
		{Name: "tmp", Dir: true, Mode: 0o777 | fs.ModeSticky},
		{Name: "usr/bin/mawk", Mode: 0o755, Source: tarball.Bytes("mawk")},
		{Name: "usr/tmp", Link: "../var/tmp"},
		{Name: "var/tmp", Link: "../../tmp"},
	}}
}

func TestPutOn(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"bin/kubectl":           "usr/ drwxr-xr-x, usr/bin/ drwxr-xr-x, usr/bin/kubectl",
		"usr/local/bin/kubectl": "usr/ drwxr-xr-x, usr/local/bin/kubectl",
		"tmp/x":                 "tmp/ dtrwxrwxrwx, tmp/x",
		"usr/tmp/x":             "tmp/ dtrwxrwxrwx, tmp/x",
		"etc/alternatives/awk":  "etc/ drwxr-xr-x, etc/alternatives/ drwxr-xr-x, etc/alternatives/awk",
		"home/app/bin/x":        "home/ drwxr-xr-x, home/app/ drwx------ 65532:100, home/app/bin/x",
		"kubectl":               "kubectl",
	} {
		a := tarball.Archive{Root: true, Files: []tarball.File{{Name: name, Source: tarball.Bytes("x")}}}
		if err := a.PutOn(debian()); err != nil {
			t.Error(err)
			continue
		}
		a.Sort()
		var got []string
		for _, f := range a.Files {
			if f.UID != 0 {
				got = append(got, fmt.Sprintf("%s/ %s %d:%d", f.Name, fs.ModeDir|f.Mode, f.UID, f.GID))
			} else if f.Dir {
				got = append(got, f.Name+"/ "+(fs.ModeDir|f.Mode).String())
			} else {
				got = append(got, f.Name)
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestPutOnRefuses(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"usr/bin":                `"usr/bin" is a directory in`,
		"bin":                    `"bin" is a directory in`,
		"bin/mawk/x":             `"usr/bin/mawk" is no directory in`,
		"etc/alternatives/awk/x": `"usr/bin/mawk" is no directory in`,
		"loop/x":                 `"loop" leads through more than 40 links`,
	} {
		a := tarball.Archive{Root: true, Files: []tarball.File{{Name: name, Source: tarball.Bytes("x")}}}
		if err := a.PutOn(debian()); !errors.Is(err, tarball.ErrArchive) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", name, err, want)
		}
	}
}
