package release

import (
	"io/fs"
	"path/filepath"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/build"
	"kubedist/pkg/deb"
	"kubedist/pkg/openpgp"
	"kubedist/pkg/progress"
	"kubedist/pkg/provenance"
	"kubedist/pkg/registry"
	"kubedist/pkg/spec"
)

// Options are what a release is made from and how.
type Options struct {
	Version   string // v1.36.3
	Selection Selection

	Spec      *spec.Spec
	Templates fs.FS

	Sources   map[string]string // source name -> directory to take it from instead of the module proxy
	Commit    string            // commit of the Kubernetes source; "" where the tree itself, specs/releases, or nobody knows
	BuildDate time.Time         // zero: what specs/releases knows, else the time of the commit
	Epoch     time.Time         // SOURCE_DATE_EPOCH: the build date of directories, which may know no commit
	Toolchain string            // "local" to compile with the go command that is installed; "" for what the tree pins

	Out      string // releases lie at <Out>/<Version>
	CacheDir string // source trees are kept at <CacheDir>/trees

	Maintainer  string
	Compression deb.Compression
	Signer      openpgp.Signer   // signs packages, checksums and the archive
	CoSigners   []openpgp.Signer // sign checksums and the archive too, while one key follows another

	// ProvenanceKey signs the provenance too, for verifiers without OpenPGP; nil where there is none.
	ProvenanceKey provenance.Signer

	Budget    build.Budget
	Anew      bool // compile again what an earlier run has made
	KeepGoing bool // finish what can be finished after a failure

	DebianMirror string // URL of the mirror that C tool chains come from; "" takes the first one of apt's configuration

	Registry *registry.Client // talks to the registries that bases of images are in; nil for a client without options

	Archive *Archive // nil: the release is not published

	Executable string // path of this program: a build starts it under the name git, see package gitshim
	Reporter   progress.Reporter
	Environ    []string         // of the user, as os.Environ has it: what the go command may know
	Clock      func() time.Time // the real time, which nothing published may be dated after; nil for SOURCE_DATE_EPOCH
	Now        time.Time        // of publishing: the clock's or SOURCE_DATE_EPOCH
}

// Archive is the apt archive that a release goes into.
type Archive struct {
	Root       string
	Definition *apt.Definition
	Override   []apt.Refusal // that are not to keep the release from being published
	NotAfter   time.Time     // bounds the date where Clock is nil; the zero time is no bound

	// What the archive's users know beside the keys that sign: see [apt.PublishOptions].
	Next, Keyring []*openpgp.Certificate
	KeyringDate   time.Time
}

// signers lists all keys that sign checksums and the archive.
func (o *Options) signers() []openpgp.Signer {
	return append([]openpgp.Signer{o.Signer}, o.CoSigners...)
}

// Dir is the directory of the release.
func (o *Options) Dir() string { return filepath.Join(o.Out, o.Version) }
