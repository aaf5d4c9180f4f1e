package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"kubedist/pkg/deb"
	"kubedist/pkg/hint"
	"kubedist/pkg/platform"
	"kubedist/pkg/progress"
	"kubedist/pkg/provenance"
	"kubedist/pkg/registry"
	"kubedist/pkg/release"
	"kubedist/pkg/source"
	"kubedist/pkg/spec"
)

// releaseOptions are the flags of the commands that make a release or a part of one.
type releaseOptions struct {
	spec        specOptions
	signer      signerOptions
	show        showOptions
	platforms   []string
	packages    []string
	programs    []string
	images      []string
	noImages    bool
	profile     string
	mirror      mirrorOptions
	registry    registryOptions
	sources     []string
	commit      string
	buildDate   string
	toolchain   string
	revision    string
	compression string
	maintainer  string
	out         string
	jobs        int
	memory      string
	keepGoing   bool
	archive     archiveOptions
	force       forceOptions
	noArchive   bool
	provenance  string
}

// addFlags registers the flags that say what is made; those of later steps only where until reaches them.
func (o *releaseOptions) addFlags(cmd *cobra.Command, until release.Step) {
	f := cmd.Flags()
	o.spec.addFlags(cmd)
	f.StringSliceVar(&o.platforms, "platform", nil, "platforms to make it for, such as linux/arm64,linux/arm/v7 (default: all of specs/platforms.yaml)")
	if until == release.Images {
		f.StringSliceVar(&o.images, "image", nil, "images to make, with the programs they hold and nothing else (default: all that a release holds)")
	} else {
		f.StringSliceVar(&o.packages, "package", nil, "packages to make, with the programs they hold and nothing else (default: everything)")
		f.StringSliceVar(&o.programs, "program", nil, "programs to compile, and nothing else; no packages, images or tarballs are made")
		f.BoolVar(&o.noImages, "no-images", false, "leave out container images, and the programs that are of use in them alone")
	}
	f.StringVar(&o.profile, "profile", "", "way of linking, of specs/profiles.yaml: official links as the Kubernetes project does (default: all static)")
	o.mirror.addFlags(cmd)
	f.StringArrayVar(&o.sources, "source", nil, "take a source from a checkout or unpacked tree: DIR for Kubernetes, NAME=DIR for another of specs/sources.yaml")
	f.StringVar(&o.commit, "commit", "", "commit of the Kubernetes source, which a module from the proxy cannot know (default: that of specs/releases)")
	f.StringVar(&o.buildDate, "build-date", "", "build date in RFC 3339 (default: that of specs/releases, else the time of the commit; for directories SOURCE_DATE_EPOCH where it is set)")
	f.StringVar(&o.toolchain, "toolchain", "", `"local" compiles with the installed Go instead of the release that the tree pins`)
	f.StringVar(&o.out, "out", "out", "directory of releases; this one goes to OUT/VERSION")
	f.IntVar(&o.jobs, "jobs", 0, "cores to use (default: all)")
	f.StringVar(&o.memory, "memory", "", "memory to use, such as 8G (default: what is free)")
	f.BoolVar(&o.keepGoing, "keep-going", false, "after a failure finish what can be finished, and exit non-zero all the same")
	o.show.addFlags(cmd)
	if until == release.Debs || until == release.Publish {
		o.signer.addFlags(cmd)
		f.StringVar(&o.revision, "revision", "1.1", "Debian revision of the packages")
		f.StringVar(&o.compression, "compression", "zstd", "compression of packages: zstd[:LEVEL], xz, gzip[:LEVEL]")
		f.StringVar(&o.maintainer, "maintainer", "Kubernetes Authors <dev@kubernetes.io>", "Maintainer of the packages")
	}
	if until.MakesImages() {
		o.registry.addAccessFlags(f)
	}
	if until == release.Publish {
		o.archive.addFlags(cmd)
		o.force.addFlags(cmd)
		f.BoolVar(&o.noArchive, "no-archive", false, "do not publish into an archive")
		f.StringVar(&o.provenance, "provenance-key", "", "Ed25519 key (PKCS #8 in PEM, mode 0600) that signs the provenance too, for verifiers without OpenPGP")
	}
}

func newReleaseCommand(env *environment) *cobra.Command {
	return newStepCommand(env, release.Publish, &cobra.Command{
		Use:   "release VERSION",
		Short: "Make a whole release: binaries, packages, images, tarballs, checksums, and the apt archive",
		Long: `Compiles every program for every platform, packages and signs them, makes container images, writes tarballs, SBOMs, signed
provenance, manifest and checksums to OUT/VERSION, and publishes the packages into the apt archive. What an earlier run finished is not done again.

The source comes from the Go module proxy, checked against the checksum database as Go does it, or from --source DIR. Bases of
images that are in registries are asked for as kubedist image base fetch does it, with the same credentials.`,
		Example: `  kubedist release v1.36.3
  kubedist release v1.36.3 --platform linux/amd64,linux/arm/v7 --key release.asc --passphrase-file pass
  kubedist release v1.36.3 --source ~/src/kubernetes --revision 1.2`,
	})
}

func newBuildCommand(env *environment) *cobra.Command {
	return newStepCommand(env, release.Build, &cobra.Command{Use: "build VERSION", Short: "Compile the programs of a release, and stop there"})
}

func newPackageCommand(env *environment) *cobra.Command {
	return newStepCommand(env, release.Debs, &cobra.Command{Use: "package VERSION", Short: "Compile and make the .deb packages, and stop there"})
}

func newTarballCommand(env *environment) *cobra.Command {
	return newStepCommand(env, release.Tars, &cobra.Command{Use: "tarball VERSION", Short: "Compile and make the release tarballs, and stop there"})
}

// newStepCommand completes a command that runs a release as far as until.
func newStepCommand(env *environment, until release.Step, cmd *cobra.Command) *cobra.Command {
	o := &releaseOptions{}
	cmd.Args = oneArg("VERSION")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return runRelease(cmd.Context(), env, o, until, args[0])
	}
	o.addFlags(cmd, until)
	return cmd
}

func runRelease(ctx context.Context, env *environment, o *releaseOptions, until release.Step, version string) error {
	start := env.Now()
	options, err := o.options(ctx, env, until, version)
	if err != nil {
		return err
	}
	view, err := o.show.open(env)
	if err != nil {
		return err
	}
	options.Reporter = view
	result, err := release.Run(ctx, options)
	if err := errors.Join(err, view.Close()); err != nil {
		return hintForce(sourceStatus(err))
	}
	return o.show.result(env, result, func(w io.Writer) { summarize(w, result, options, env.Now().Sub(start)) })
}

// sourceStatus marks errors about what the user asked for: a version, platform or package that there is not, a directory
// that is no tree or one of another version.
func sourceStatus(err error) error {
	var selection *release.SelectionError
	if errors.As(err, &selection) {
		return usageError(err)
	}
	for _, mistake := range []error{source.ErrUnknownVersion, source.ErrNoTree, source.ErrOtherVersion, source.ErrNotVersion, source.ErrOutputInside} {
		if errors.Is(err, mistake) {
			return usageError(err)
		}
	}
	return err
}

// options turns flags into what pkg/release takes.
func (o *releaseOptions) options(ctx context.Context, env *environment, until release.Step, version string) (release.Options, error) {
	r := release.Options{
		Version: version, Out: o.out, CacheDir: env.CacheDir, Commit: o.commit, Toolchain: o.toolchain, Maintainer: o.maintainer,
		KeepGoing: o.keepGoing, Executable: env.Executable, DebianMirror: o.mirror.url, Reporter: progress.Discard{}, Environ: os.Environ(), Sources: map[string]string{},
		Selection: release.Selection{Packages: o.packages, Programs: o.programs, Images: o.images, NoImages: o.noImages, Profile: o.profile, Revision: o.revision, Until: until, Host: platform.ID{OS: runtime.GOOS, Arch: runtime.GOARCH}},
	}
	var err error
	if r.Spec, r.Templates, err = o.spec.load(); err != nil {
		return r, usageError(err)
	}
	for _, text := range o.platforms {
		id, err := platform.Parse(text)
		if err != nil {
			return r, usageError(err)
		}
		r.Selection.Platforms = append(r.Selection.Platforms, id)
	}
	for _, text := range o.sources {
		name, dir, ok := strings.Cut(text, "=")
		if !ok {
			name, dir = release.PrimarySource(r.Spec), text
		}
		if _, twice := r.Sources[name]; twice {
			return r, usageError(fmt.Errorf("--source %s: %s has a directory already", text, name))
		}
		r.Sources[name] = dir
	}
	if r.Toolchain != "" && r.Toolchain != "local" {
		return r, usageError(hint.Errorf(`use "local", or leave it out to compile with the Go release that the tree pins`, "--toolchain %q: unknown", r.Toolchain))
	}
	if err := o.mirror.check(); err != nil {
		return r, err
	}
	if err := o.times(env, &r); err != nil {
		return r, usageError(err)
	}
	if r.Budget, err = o.budget(); err != nil {
		return r, usageError(err)
	}
	if until.MakesImages() {
		if r.Registry, err = o.openRegistries(env, r.Spec); err != nil {
			return r, err
		}
	}
	if until == release.Publish && !o.noArchive {
		definition, err := o.archive.load()
		if err != nil {
			return r, usageError(err)
		}
		override, err := o.force.refusals()
		if err != nil {
			return r, err
		}
		r.Archive = &release.Archive{Root: o.archive.root, Definition: definition, Override: override, NotAfter: env.Now()}
	}
	if o.provenance != "" {
		key, err := provenance.LoadEd25519(o.provenance)
		if err != nil {
			return r, usageError(err)
		}
		r.ProvenanceKey = key
	}
	if until == release.Debs || until == release.Publish {
		if r.Compression, err = deb.ParseCompression(o.compression); err != nil {
			return r, usageError(err)
		}
		keys, err := loadKeys(ctx, env, o.signer, o.archive.keysFile(), r.Now)
		if err != nil {
			return r, err
		}
		r.Signer, r.CoSigners = keys.Signers[0], keys.Signers[1:]
		if r.Archive != nil {
			r.Archive.Next, r.Archive.Keyring, r.Archive.KeyringDate = keys.Next, keys.Keyring, keys.Changed
		}
	}
	return r, nil
}

// openRegistries returns a client for the registries that bases of images are in; nil where there is none.
func (o *releaseOptions) openRegistries(env *environment, s *spec.Spec) (*registry.Client, error) {
	if o.registry.passwordStdin && slices.Contains(o.signer.PassphraseFiles, "-") {
		return nil, usageError(hint.Errorf("name a file with --passphrase-file", "standard input: is asked for the password of a registry and for the passphrase of a key"))
	}
	return o.registry.openForBases(env, s.Bases...)
}

// times sets the time of publishing, which is SOURCE_DATE_EPOCH's where it is set, and the build date.
func (o *releaseOptions) times(env *environment, r *release.Options) error {
	var err error
	if r.Epoch, err = sourceDateEpoch(env); err != nil {
		return err
	}
	r.Now = r.Epoch
	if r.Epoch.IsZero() {
		r.Now, r.Clock = env.Now().UTC().Truncate(time.Second), env.Now
	}
	if o.buildDate == "" {
		return nil
	}
	date, err := time.Parse(time.RFC3339, o.buildDate)
	if err != nil {
		return hint.Errorf("write it as 2026-07-22T18:07:38Z", "--build-date %q: not in RFC 3339", o.buildDate)
	}
	r.BuildDate = date.UTC()
	return nil
}
