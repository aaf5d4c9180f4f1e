package sbom

import (
	"bytes"
	"encoding/json"
)

// The fixed words of a document.
const (
	version     = "SPDX-2.3"
	dataLicense = "CC0-1.0" // of the document itself (SPDX 6.2)
	documentID  = "SPDXRef-DOCUMENT"
	noAssertion = "NOASSERTION"
)

// MediaType is that of the documents.
const MediaType = "application/spdx+json"

// Document is an SPDX document (SPDX 2.3, clause 6), as far as kubedist writes them.
type Document struct {
	SPDXVersion   string         `json:"spdxVersion"`
	DataLicense   string         `json:"dataLicense"`
	ID            string         `json:"SPDXID"`
	Name          string         `json:"name"`
	Namespace     string         `json:"documentNamespace"`
	Creation      Creation       `json:"creationInfo"`
	Packages      []Package      `json:"packages"`
	Files         []File         `json:"files,omitempty"`
	Relationships []Relationship `json:"relationships"`
}

// Creation says when and by what a document was made (6.8, 6.9).
type Creation struct {
	Created  string   `json:"created"` // UTC, to the second
	Creators []string `json:"creators"`
}

// Package is a package in the sense of SPDX (clause 7): a Debian package, a tarball, a Go module, a whole release.
type Package struct {
	ID               string        `json:"SPDXID"`
	Name             string        `json:"name"`
	Version          string        `json:"versionInfo,omitempty"`
	FileName         string        `json:"packageFileName,omitempty"` // below the release's directory
	Supplier         string        `json:"supplier,omitempty"`
	DownloadLocation string        `json:"downloadLocation"`
	FilesAnalyzed    bool          `json:"filesAnalyzed"`
	Verification     *Verification `json:"packageVerificationCode,omitempty"`
	Checksums        []Checksum    `json:"checksums,omitempty"`
	Homepage         string        `json:"homepage,omitempty"`
	SourceInfo       string        `json:"sourceInfo,omitempty"`
	LicenseConcluded string        `json:"licenseConcluded"`
	LicenseDeclared  string        `json:"licenseDeclared"`
	Copyright        string        `json:"copyrightText"`
	Summary          string        `json:"summary,omitempty"`
	References       []Reference   `json:"externalRefs,omitempty"`
	Purpose          string        `json:"primaryPackagePurpose,omitempty"`
}

// Verification is a package verification code (7.9): a SHA-1 over those of the package's files.
type Verification struct {
	Value string `json:"packageVerificationCodeValue"`
}

// Checksum is a digest in lower-case hexadecimal (7.10, 8.4).
type Checksum struct {
	Algorithm string `json:"algorithm"` // SHA1, SHA256 or SHA512
	Value     string `json:"checksumValue"`
}

// Reference leads to what others call a package (7.21): here, its package URL.
type Reference struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

// File is a file (clause 8).
type File struct {
	ID               string     `json:"SPDXID"`
	Name             string     `json:"fileName"` // begins with "./"
	Types            []string   `json:"fileTypes,omitempty"`
	Checksums        []Checksum `json:"checksums"` // SHA1, which SPDX asks for, and SHA256
	LicenseConcluded string     `json:"licenseConcluded"`
	Copyright        string     `json:"copyrightText"`
}

// Relationship says how two elements hang together (clause 11).
type Relationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

// The relationships in use (SPDX 2.3, table 68).
const (
	describes     = "DESCRIBES"      // the document, its subject
	contains      = "CONTAINS"       // a package, a file or another package
	generatedFrom = "GENERATED_FROM" // a program, the module that its main package is in
	staticLink    = "STATIC_LINK"    // a program, a module that is linked into it
	dependsOn     = "DEPENDS_ON"     // a Debian package, another one that it needs installed
)

// Marshal writes the document as indented JSON with a final line end.
func (d *Document) Marshal() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// sumOf returns the checksum of one algorithm, "" when it has none.
func sumOf(list []Checksum, algorithm string) string {
	for _, c := range list {
		if c.Algorithm == algorithm {
			return c.Value
		}
	}
	return ""
}
