package provenance

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// The types that statements, predicates and builds of this package have. BuildType names its documentation.
const (
	StatementType = "https://in-toto.io/Statement/v1"
	PredicateType = "https://slsa.dev/provenance/v1"
	BuildType     = "pkg:golang/kubedist#pkg/provenance/release-v1.md"
)

// maxSubjects bounds what a statement speaks of. A whole Kubernetes release has 250 files.
const maxSubjects = 1 << 16

// Statement is an in-toto statement about files.
type Statement struct {
	Type          string     `json:"_type"`
	Subject       []Resource `json:"subject"`
	PredicateType string     `json:"predicateType"`
	Predicate     Predicate  `json:"predicate"`
}

// Resource is an in-toto resource descriptor: something with its digests, by algorithm.
type Resource struct {
	Name        string            `json:"name,omitempty"`
	URI         string            `json:"uri,omitempty"`
	Digest      map[string]string `json:"digest,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Predicate is a SLSA provenance.
type Predicate struct {
	BuildDefinition BuildDefinition `json:"buildDefinition"`
	RunDetails      RunDetails      `json:"runDetails"`
}

// BuildDefinition is what decides the outputs of a build.
type BuildDefinition struct {
	BuildType string `json:"buildType"`
	// External is what whoever asked for the build decided.
	External External `json:"externalParameters"`
	// Internal is what the machine that ran it brought along.
	Internal     Internal   `json:"internalParameters"`
	Dependencies []Resource `json:"resolvedDependencies"`
}

// External are the parameters of a release that a user sets. Empty fields take their defaults.
type External struct {
	Version     string   `json:"version"`
	Platforms   []string `json:"platforms"`          // sorted
	Packages    []string `json:"packages,omitempty"` // selected ones, sorted; none for everything
	Profile     string   `json:"profile,omitempty"`  // of specs/
	Programs    []string `json:"programs,omitempty"` // selected ones, sorted; none for everything
	NoImages    bool     `json:"noImages,omitempty"` // container images were left out
	Revision    string   `json:"revision,omitempty"` // of the Debian packages
	Maintainer  string   `json:"maintainer,omitempty"`
	Compression string   `json:"compression,omitempty"` // of the Debian packages
	BuildDate   string   `json:"buildDate"`             // UTC, RFC 3339: what programs say of themselves
	Commit      string   `json:"commit,omitempty"`
	TreeState   string   `json:"gitTreeState"`
	// Spec identifies what specs/ and templates/ say.
	Spec Resource `json:"spec"`
}

// Internal are the parameters that the building machine sets.
type Internal struct {
	Host       string      `json:"host"` // platform: linux/amd64
	Toolchains []Toolchain `json:"toolchains"`
}

// Toolchain is what compiles a source.
type Toolchain struct {
	Source string `json:"source"`
	Go     string `json:"go"`               // go1.26.5
	Module string `json:"module,omitempty"` // version of golang.org/toolchain; "" for a Go that was installed otherwise
	Sum    string `json:"sum,omitempty"`    // of that module, as in go.sum
	// C is what compiles C, by platform, where cgo or a program in C takes part: "tool chain SUITE DIGEST", or "CC_linux_arm64=NAME sha256:DIGEST".
	C map[string]string `json:"cCompilers,omitempty"`
}

// RunDetails say who ran the build.
type RunDetails struct {
	Builder Builder `json:"builder"`
}

// Builder is who vouches for the build, and the program that ran it.
type Builder struct {
	ID      string            `json:"id"`
	Version map[string]string `json:"version,omitempty"`
}

// BuilderID is the URI of whoever holds an OpenPGP key: a release is vouched for by who signs it.
func BuilderID(fingerprint string) string { return "openpgp4fpr:" + fingerprint }

// New makes a statement about files, sorted. It is an error when there are none, or a name comes twice.
func New(subjects []Resource, p Predicate) (*Statement, error) {
	s := &Statement{Type: StatementType, PredicateType: PredicateType, Subject: slices.Clone(subjects), Predicate: p}
	byName := func(a, b Resource) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.URI, b.URI)) }
	slices.SortFunc(s.Subject, byName)
	s.Predicate.BuildDefinition.Dependencies = slices.Clone(p.BuildDefinition.Dependencies)
	slices.SortFunc(s.Predicate.BuildDefinition.Dependencies, byName)
	return s, s.check()
}

// Marshal writes the statement as JSON on one line, keys in fixed order.
func (s *Statement) Marshal() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// parseStatement reads a statement. Fields that it does not know are passed over, as in-toto asks of consumers.
func parseStatement(data []byte) (*Statement, error) {
	s := &Statement{}
	in := json.NewDecoder(bytes.NewReader(data))
	if err := in.Decode(s); err != nil {
		return nil, fmt.Errorf("statement: %w", err)
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("statement: something after its end")
	}
	return s, s.check()
}

func (s *Statement) check() error {
	switch {
	case s.Type != StatementType:
		return fmt.Errorf("statement: of type %.80q, not %s", s.Type, StatementType)
	case s.PredicateType != PredicateType:
		return fmt.Errorf("statement: its predicate is %.80q, not %s", s.PredicateType, PredicateType)
	case len(s.Subject) == 0 || len(s.Subject) > maxSubjects:
		return fmt.Errorf("statement: about %d files", len(s.Subject))
	case s.Predicate.BuildDefinition.BuildType == "" || s.Predicate.RunDetails.Builder.ID == "":
		return errors.New("statement: without build type or builder")
	}
	seen := make(map[string]bool, len(s.Subject))
	for _, r := range s.Subject {
		if r.Name == "" || seen[r.Name] {
			return fmt.Errorf("statement: subject %.80q has no name, or comes twice", r.Name)
		}
		seen[r.Name] = true
		if d := r.Digest["sha256"]; len(d) != 64 || !isHex(d) {
			return fmt.Errorf("statement: subject %.80q has no sha256", r.Name)
		}
	}
	return nil
}

func isHex(s string) bool {
	return !slices.ContainsFunc([]byte(s), func(c byte) bool { return (c < '0' || c > '9') && (c < 'a' || c > 'f') })
}
