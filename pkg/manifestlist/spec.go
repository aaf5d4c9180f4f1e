package manifestlist

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/yamlfile"
)

// Spec says which images make a list. It is the format of manifest-tool's from-spec.
type Spec struct {
	Image       string            `yaml:"image"`                 // what the list is called: REGISTRY/REPOSITORY:TAG
	Tags        []string          `yaml:"tags,omitempty"`        // further tags in the same repository
	Annotations map[string]string `yaml:"annotations,omitempty"` // of the list; OCI only
	Manifests   []Member          `yaml:"manifests"`
}

// Member is an image of a list.
type Member struct {
	Image    string   `yaml:"image"`
	Platform Platform `yaml:"platform,omitempty"` // what is left out is taken from the image
}

// Platform is what an image is for, in the words of the OCI Image Index Specification.
type Platform struct {
	OS           string   `yaml:"os,omitempty"`
	Architecture string   `yaml:"architecture,omitempty"`
	Variant      string   `yaml:"variant,omitempty"`
	OSVersion    string   `yaml:"os.version,omitempty"`
	OSFeatures   []string `yaml:"os.features,omitempty"`
	Features     []string `yaml:"features,omitempty"`
}

func (p Platform) oci() v1.Platform {
	return v1.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant, OSVersion: p.OSVersion, OSFeatures: p.OSFeatures, Features: p.Features}
}

// ReadSpec reads a specification strictly: an unknown field is an error that says where it is. The name begins all errors.
func ReadSpec(name string, r io.Reader) (*Spec, error) {
	data, err := yamlfile.Read(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f, err := yamlfile.Parse(name, data)
	if err != nil {
		return nil, err
	}
	s := &Spec{}
	if err := f.Decode(s); err != nil {
		return nil, err
	}
	if s.Image == "" {
		return nil, fmt.Errorf("%s: image: says nothing; it is the name of the list", f.At("image"))
	}
	if len(s.Manifests) == 0 {
		return nil, fmt.Errorf("%s: manifests: lists no image", f.At("manifests"))
	}
	for i, m := range s.Manifests {
		if m.Image == "" {
			at := fmt.Sprintf("manifests[%d]", i)
			return nil, fmt.Errorf("%s: %s: has no image", f.At(at), at)
		}
	}
	return s, nil
}

// Arguments are what manifest-tool's from-args takes.
type Arguments struct {
	Platforms   []string // OS/ARCH or OS/ARCH/VARIANT
	Template    string   // name of the images, with OS, ARCH and VARIANT in place of what differs
	Target      string
	Tags        []string
	Annotations []string // NAME=VALUE
}

// Spec expands the template for each platform. Two platforms with the same image are refused: one of them would get
// programs of the other.
func (a Arguments) Spec() (*Spec, error) {
	s := &Spec{Image: a.Target, Tags: a.Tags, Annotations: map[string]string{}}
	switch {
	case len(a.Platforms) == 0:
		return nil, errors.New("list of platforms: is empty")
	case a.Template == "":
		return nil, errors.New("template: is empty")
	case a.Target == "":
		return nil, errors.New("target: is empty")
	}
	of := map[string]string{}
	for _, text := range a.Platforms {
		p, err := parsePlatform(text)
		if err != nil {
			return nil, err
		}
		image := strings.NewReplacer("VARIANT", p.Variant, "ARCH", p.Architecture, "OS", p.OS).Replace(a.Template)
		if other, taken := of[image]; taken {
			return nil, sameImage(a.Template, other, text, image)
		}
		of[image] = text
		s.Manifests = append(s.Manifests, Member{Image: image, Platform: p})
	}
	for _, text := range a.Annotations {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("annotation %q: not of the form NAME=VALUE", text)
		}
		if _, taken := s.Annotations[name]; taken {
			return nil, fmt.Errorf("annotation %s: is there twice", name)
		}
		s.Annotations[name] = value
	}
	return s, nil
}

// names lists the annotations' names, sorted.
func (s *Spec) names() []string { return slices.Sorted(maps.Keys(s.Annotations)) }
