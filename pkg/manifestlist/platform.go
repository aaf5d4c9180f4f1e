package manifestlist

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/hint"
)

var platformPart = regexp.MustCompile(`^[a-z0-9]+$`)

// parsePlatform reads OS/ARCH or OS/ARCH/VARIANT. Unlike a platform that kubedist compiles for it may be any.
func parsePlatform(s string) (Platform, error) {
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 || slices.ContainsFunc(parts, func(part string) bool { return !platformPart.MatchString(part) }) {
		return Platform{}, fmt.Errorf("platform %q: not of the form OS/ARCH or OS/ARCH/VARIANT", s)
	}
	p := Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p, nil
}

// sameImage refuses a template that does not tell platforms apart.
func sameImage(template, a, b, image string) error {
	if a == b {
		return fmt.Errorf("platform %s: is listed twice", a)
	}
	missing := "ARCH"
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	switch {
	case as[1] != bs[1]:
	case as[0] != bs[0]:
		missing = "OS"
	default:
		missing = "VARIANT"
	}
	return hint.Errorf(fmt.Sprintf("write %s where the names of the images differ, as in foo/bar-%s:v1", missing, missing),
		"template %s: has no %s, so %s and %s would both be %s", template, missing, a, b, image)
}

// canonical is the one form of platforms that container engines take for the same (containerd's platforms.Normalize):
// arm64 is arm64/v8, and arm is arm/v7.
func canonical(p v1.Platform) v1.Platform {
	switch {
	case p.Architecture == "arm64" && p.Variant == "":
		p.Variant = "v8"
	case p.Architecture == "arm" && p.Variant == "":
		p.Variant = "v7"
	case p.Architecture == "amd64" && p.Variant == "v1":
		p.Variant = ""
	}
	return p
}

// key tells platforms apart.
func key(p v1.Platform) string {
	p = canonical(p)
	return strings.Join([]string{p.OS, p.Architecture, p.Variant, p.OSVersion, strings.Join(p.OSFeatures, ","), strings.Join(p.Features, ",")}, "/")
}

// merge takes what was asked, fills in what only the image says, and refuses where both say something else.
func merge(asked, has v1.Platform) (v1.Platform, error) {
	differs := func(a, b string) bool { return a != "" && b != "" && a != b }
	merged := asked
	for _, f := range []struct{ to, from *string }{
		{&merged.OS, &has.OS}, {&merged.Architecture, &has.Architecture}, {&merged.OSVersion, &has.OSVersion},
	} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
	switch {
	case differs(asked.OS, has.OS), differs(asked.Architecture, has.Architecture), differs(asked.OSVersion, has.OSVersion):
		return merged, &MismatchError{Asked: asked, Has: has}
	case merged.OS == "" || merged.Architecture == "":
		return merged, errors.New("neither the specification nor the image says what it is for")
	}
	if merged.Variant == "" {
		merged.Variant = has.Variant
	} else if has.Variant != "" && canonical(merged).Variant != canonical(v1.Platform{Architecture: merged.Architecture, Variant: has.Variant}).Variant {
		return merged, &MismatchError{Asked: asked, Has: has}
	}
	if len(merged.OSFeatures) == 0 {
		merged.OSFeatures = has.OSFeatures
	}
	return merged, nil
}

// MismatchError is an image that is for another platform than it was to be listed for.
type MismatchError struct{ Asked, Has v1.Platform }

func (e *MismatchError) Error() string {
	return fmt.Sprintf("is for %s, not for %s", e.Has, e.Asked)
}

// pick finds the image for a platform in an index. Without a platform it takes all images.
func pick(index *v1.IndexManifest, asked v1.Platform) ([]v1.Descriptor, error) {
	var all, fitting, exact []v1.Descriptor
	var names []string
	for _, d := range index.Manifests {
		if d.Platform == nil || d.Platform.OS == "unknown" || d.Annotations["vnd.docker.reference.type"] != "" {
			continue // what build tools attach to images
		}
		all = append(all, d)
		names = append(names, d.Platform.String())
		if _, err := merge(asked, *d.Platform); err != nil {
			continue
		}
		fitting = append(fitting, d)
		if key(asked) == key(*d.Platform) {
			exact = append(exact, d)
		}
	}
	switch {
	case asked.OS == "" && asked.Architecture == "" && len(all) > 0:
		return all, nil
	case len(exact) == 1:
		return exact, nil
	case len(fitting) == 1:
		return fitting, nil
	case len(fitting) > 1:
		return nil, hint.Errorf("say which, with a variant or an os.version", "is a list with several images for %s: %s", asked, strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("is a list without an image for %s; it has %s", asked, strings.Join(names, ", "))
}
