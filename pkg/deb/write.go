package deb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	nfpm "github.com/goreleaser/nfpm/v2"
	nfpmdeb "github.com/goreleaser/nfpm/v2/deb"
)

// Package is a binary package to be written. What it says ends up in the package as it stands; nothing is derived from
// the environment, the clock or the modes and times of files on disk.
type Package struct {
	Name         string // Policy 5.6.7
	Version      string // the whole Debian version, 1.36.3-1.1: see [Version]
	Architecture string // Debian's name for it: amd64, armhf, ppc64el, all
	Maintainer   string // NAME <ADDRESS>
	Section      string
	Priority     string
	Homepage     string // may be empty
	Summary      string // first line of the Description field
	Description  string // the rest of it: paragraphs with an empty line between; lines are neither wrapped nor indented

	// Relations to other packages (Policy 7), one relation such as "kubernetes-cni (>= 1.2.0)" each.
	Depends    []string
	Recommends []string
	Suggests   []string
	Conflicts  []string
	Replaces   []string
	Provides   []string

	Files   []File // in any order; directories above them are implied
	Scripts Scripts
	Time    time.Time // modification time of everything, in whole seconds
}

// File is one file or directory of a package, owned by root.
type File struct {
	Path   string      // absolute, as on the machine that it is installed on
	Mode   fs.FileMode // permissions; 0 means 0644, and 0755 for a directory
	Source string      // the file on disk that holds the contents; symbolic links are followed
	Data   []byte      // the contents, when Source is empty
	Dir    bool        // a directory, for the sake of its mode or because it is empty
	Config bool        // a conffile (Policy 10.7.3): dpkg keeps what the administrator made of it
}

// Scripts are the maintainer scripts (Policy 6.5). Those that are empty are left out.
type Scripts struct {
	Preinst, Postinst, Prerm, Postrm []byte
}

// SignFunc makes an armored detached OpenPGP signature of message with the creation time at. For packages that can be
// reproduced it has to give the same bytes each time.
type SignFunc func(ctx context.Context, message io.Reader, at time.Time) ([]byte, error)

// Options say how a package is written.
type Options struct {
	Compression Compression // of the data member
	Sign        SignFunc    // makes the member _gpgorigin that debsig-verify(1) checks; nil leaves it out
	TempDir     string      // existing directory for contents given as Data; "" takes os.TempDir
}

// Write writes p to w as a deb(5) file: debian-binary, control.tar.gz, data.tar.* and, with [Options.Sign], the
// signature. The same package and options give the same bytes everywhere, whatever the umask, the number of processors
// or the order of p.Files.
//
// Files are read as they are packed; what stays in memory is the compressed data member, because its size comes before
// it. Contents given as Data pass through a directory of their own, named kubedist-deb-*, below
// [Options.TempDir]. It is gone when Write returns, and left there when this process is killed.
//
// When ctx ends, Write returns its error at once and w is not touched again; the compression of the file at hand may go
// on in the background until its end, and with it stops all that Write began. What w has by then is not a package: write
// to a temporary name. Errors name the package, and the file or field that is wrong with it.
func Write(ctx context.Context, w io.Writer, p Package, o Options) error {
	if err := p.check(); err != nil {
		return fmt.Errorf("package %s: %w", p.Name, err)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("package %s: %w", p.Name, err)
	}
	dir, err := os.MkdirTemp(o.TempDir, "kubedist-deb-")
	if err != nil {
		return fmt.Errorf("package %s: %w", p.Name, err)
	}
	defer os.RemoveAll(dir)
	staged, err := stage(p, dir)
	if err != nil {
		return fmt.Errorf("package %s: %w", p.Name, err)
	}
	out := &amender{ctx: ctx, w: w, amend: func(control []byte) ([]byte, error) {
		return setInstalledSize(control, staged.installedSize)
	}}
	done := make(chan error, 1)
	go func() { done <- pack(ctx, p, o, staged, out) }()
	select {
	case err = <-done:
	case <-ctx.Done():
		out.close()
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("package %s: %w", p.Name, err)
	}
	return nil
}

// pack has nfpm write p. nfpm knows no context: it ends early when a staged file is gone or out takes no more.
func pack(ctx context.Context, p Package, o Options, s *staging, out *amender) error {
	info := &nfpm.Info{
		Name: p.Name, Version: p.Version, VersionSchema: "none", Arch: p.Architecture, Platform: "linux",
		Maintainer: p.Maintainer, Section: p.Section, Priority: p.Priority, Homepage: p.Homepage,
		Description: p.Summary + "\n" + p.Description, MTime: p.Time, DisableGlobbing: true,
		Overridables: nfpm.Overridables{
			Depends: p.Depends, Recommends: p.Recommends, Suggests: p.Suggests,
			Conflicts: p.Conflicts, Replaces: p.Replaces, Provides: p.Provides,
			Contents: s.contents, Scripts: s.scripts,
			Deb: nfpm.Deb{Arch: p.Architecture, Compression: o.Compression.String()},
		},
	}
	if o.Sign != nil {
		info.Deb.Signature.SignFn = func(message io.Reader) ([]byte, error) {
			amended, err := out.message(message)
			if err != nil {
				return nil, err
			}
			return o.Sign(ctx, amended, p.Time)
		}
	}
	err := nfpmdeb.Default.Package(info, out)
	if signing := (*nfpm.ErrSigningFailure)(nil); errors.As(err, &signing) {
		return fmt.Errorf("signature: %w", signing.Err)
	}
	if err != nil {
		return err
	}
	return out.finish()
}
