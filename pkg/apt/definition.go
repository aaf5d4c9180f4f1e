package apt

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"kubedist/pkg/deb"
	"kubedist/pkg/yamlfile"
)

// Definition is what archive.yaml says about an archive.
type Definition struct {
	Origin      string // who publishes; clients stop when it changes
	Label       string // what is published; clients stop when it changes
	Description string
	URL         string // where clients find the archive's root, without a trailing slash
	SignedBy    string // the path under which clients keep the keyring; ends in .gpg or .asc

	// KeyringPackage puts a package with the keyring, and a .sources file for each suite, into every suite, so that clients
	// learn of new keys by upgrading. Maintainer is its NAME <ADDRESS>.
	KeyringPackage bool
	Maintainer     string

	ValidFor      time.Duration // how long a Release file is good for
	RefreshBefore time.Duration // a suite with less time left than this is signed anew when the archive is published
	Generations   int           // contents of an index that stay under by-hash, the current one included; at least 3

	Compressions  []string // of the indices, beside the plain one: gz, xz, zst
	Components    []string // the first one takes the packages for which none is named
	Architectures []string // Debian's names, without "all"

	Contents     bool   // list the files of all packages, for apt-file: Contents-ARCH
	Translations bool   // list the long descriptions once more, for clients that take them from there: Translation-en
	Listings     bool   // ls-lR.gz at the root, and an index.html in every directory
	Trace        string // the name of this host in project/trace, by which mirrors tell what they have; "" for no trace

	KubernetesPackages []string // the packages whose version is that of Kubernetes
	// Distribution are the packages that every client has from elsewhere, as Depends fields name them. With a version,
	// "libc6 (>= 2.36)", it tells what versions those may be; without one it stands for whatever is asked for.
	Distribution []string
	Suites       []Suite

	distribution distribution
}

// Suite is one suite of an archive. Its name is its Suite, its Codename and its directory under dists.
type Suite struct {
	Name        string
	Description string   // "" means that of the archive
	Accepts     string   // the range of Kubernetes versions it takes
	Aliases     []string // further names under which clients find it, each a Suite and Codename of its own
	Flat        string   // a directory below the root where the suite lies once more in the flat format; "" for none

	NotAutomatic         bool // clients install from it only what they are told to
	ButAutomaticUpgrades bool // and upgrade what they have from it; needs NotAutomatic

	// Keep is how many versions of each package and architecture stay, the newest; 0 for all. Older ones that another
	// package of the suite needs stay too.
	Keep int
	// Minors is how many minor versions of each of the definition's KubernetesPackages and architecture stay, the newest;
	// 0 for all. Here too older ones stay that another package of the suite needs.
	Minors int

	versions *semver.Constraints
}

// ErrNoSuite is the error about a package or version whose suites cannot be told by its version: they must be named.
var ErrNoSuite = errors.New("no suite of the archive accepts it")

// LoadDefinition reads the definition in the file at path.
func LoadDefinition(path string) (*Definition, error) {
	data, err := yamlfile.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("archive definition: %w", err)
	}
	return ParseDefinition(path, data)
}

// definitionFile is archive.yaml as it is written.
type definitionFile struct {
	Origin             string   `yaml:"origin"`
	Label              string   `yaml:"label"`
	Description        string   `yaml:"description"`
	URL                string   `yaml:"url"`
	SignedBy           string   `yaml:"signed-by"`
	KeyringPackage     bool     `yaml:"keyring-package"`
	Maintainer         string   `yaml:"maintainer"`
	ValidFor           string   `yaml:"valid-for"`
	RefreshBefore      string   `yaml:"refresh-before"`
	Generations        int      `yaml:"generations"`
	Compressions       []string `yaml:"compressions"`
	Components         []string `yaml:"components"`
	Architectures      []string `yaml:"architectures"`
	Contents           bool     `yaml:"contents"`
	Translations       bool     `yaml:"translations"`
	Listings           bool     `yaml:"listings"`
	Trace              string   `yaml:"trace"`
	KubernetesPackages []string `yaml:"kubernetes-packages"`
	Distribution       []string `yaml:"distribution"`
	Suites             []struct {
		Name                 string   `yaml:"name"`
		Description          string   `yaml:"description"`
		Accepts              string   `yaml:"accepts"`
		Aliases              []string `yaml:"aliases"`
		Flat                 string   `yaml:"flat"`
		NotAutomatic         bool     `yaml:"not-automatic"`
		ButAutomaticUpgrades bool     `yaml:"but-automatic-upgrades"`
		Keep                 int      `yaml:"keep"`
		Minors               int      `yaml:"minors"`
	} `yaml:"suites"`
}

// ParseDefinition reads a definition strictly. Every error names the file, the line and the field; all that are found
// are reported together.
func ParseDefinition(name string, data []byte) (*Definition, error) {
	file, err := yamlfile.Parse(name, data)
	if err != nil {
		return nil, err
	}
	var f definitionFile
	if err := file.Decode(&f); err != nil {
		return nil, err
	}
	c := &definitionChecker{file: file}
	d := &Definition{
		Origin: f.Origin, Label: f.Label, Description: f.Description, URL: strings.TrimSuffix(f.URL, "/"), SignedBy: f.SignedBy,
		KeyringPackage: f.KeyringPackage, Maintainer: f.Maintainer,
		ValidFor: c.duration("valid-for", f.ValidFor), RefreshBefore: c.duration("refresh-before", f.RefreshBefore),
		Generations: f.Generations, Compressions: f.Compressions, Components: f.Components,
		Architectures: slices.Sorted(slices.Values(f.Architectures)), KubernetesPackages: f.KubernetesPackages, Distribution: f.Distribution,
		Contents: f.Contents, Translations: f.Translations, Listings: f.Listings, Trace: f.Trace,
	}
	for _, s := range f.Suites {
		d.Suites = append(d.Suites, Suite{
			Name: s.Name, Description: s.Description, Accepts: s.Accepts, Aliases: s.Aliases, Flat: s.Flat,
			NotAutomatic: s.NotAutomatic, ButAutomaticUpgrades: s.ButAutomaticUpgrades, Keep: s.Keep, Minors: s.Minors,
		})
	}
	c.check(d, f.Architectures)
	if len(c.problems) > 0 {
		return nil, errors.Join(c.problems...)
	}
	return d, nil
}

// Suite returns the named suite. An unknown name is an error that lists the known ones.
func (d *Definition) Suite(name string) (*Suite, error) {
	for i := range d.Suites {
		if d.Suites[i].Name == name {
			return &d.Suites[i], nil
		}
	}
	names := make([]string, len(d.Suites))
	for i := range d.Suites {
		names[i] = d.Suites[i].Name
	}
	return nil, fmt.Errorf("suite %s: not in the archive's definition, which has %s", name, strings.Join(names, ", "))
}

// SuitesFor returns the names of the suites that take the Kubernetes version (with or without its "v"), in the
// definition's order. That no suite takes it is [ErrNoSuite].
func (d *Definition) SuitesFor(version string) ([]string, error) {
	v, err := semver.NewVersion(version)
	if err != nil {
		return nil, fmt.Errorf("kubernetes version %q: %w", version, err)
	}
	var names []string
	for _, s := range d.Suites {
		if s.versions.Check(v) {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("kubernetes version %s: %w", version, ErrNoSuite)
	}
	return names, nil
}

// SuitesForPackage returns the suites that take a package by its own version, which only those can be asked for that
// the definition lists as Kubernetes packages. All others get [ErrNoSuite].
func (d *Definition) SuitesForPackage(name, version string) ([]string, error) {
	if !d.isKubernetes(name) {
		return nil, fmt.Errorf("the version of %s does not say which suites it belongs to: %w", name, ErrNoSuite)
	}
	return d.SuitesFor(kubernetesVersion(version))
}

// indexKeys lists the indices of a suite.
func (d *Definition) indexKeys() []indexKey {
	var keys []indexKey
	for _, component := range d.Components {
		for _, arch := range d.Architectures {
			keys = append(keys, indexKey{component, arch})
		}
	}
	return keys
}

// accepts refuses a Kubernetes package whose version the suite does not take.
func (d *Definition) accepts(s *Suite, name, version string) error {
	if !d.isKubernetes(name) {
		return nil
	}
	v, err := semver.NewVersion(kubernetesVersion(version))
	if err != nil {
		return fmt.Errorf("version %s is no version of Kubernetes: %w", version, err)
	}
	if ok, reasons := s.versions.Validate(v); !ok {
		return fmt.Errorf("suite %s accepts %s alone: %w", s.Name, s.Accepts, errors.Join(reasons...))
	}
	return nil
}

// kubernetesVersion turns 1.36.0~rc.0-1.1 back into 1.36.0-rc.0.
func kubernetesVersion(version string) string {
	v, err := deb.ParseVersion(version)
	if err != nil {
		return version
	}
	return strings.Replace(v.Upstream, "~", "-", 1)
}

func (d *Definition) isKubernetes(name string) bool {
	return slices.Contains(d.KubernetesPackages, name)
}
