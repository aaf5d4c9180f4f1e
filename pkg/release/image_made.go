package release

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"kubedist/pkg/ledger"
)

// madeImage is the image of one platform.
type madeImage struct {
	platform string
	manifest ledger.File
	tar      ledger.File
}

// madeImages is one image over its platforms, in their order.
type madeImages struct {
	reference string
	version   string
	images    []madeImage
}

// imageSet gathers images from the platforms that make them.
type imageSet struct {
	mu     sync.Mutex
	byName map[string]*madeImages
}

func (s *imageSet) add(platform string, planned Image, m madeImage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName == nil {
		s.byName = map[string]*madeImages{}
	}
	all := s.byName[planned.Name]
	if all == nil {
		all = &madeImages{reference: planned.Reference, version: planned.Version}
		s.byName[planned.Name] = all
	}
	m.platform = platform
	all.images = append(all.images, m)
	slices.SortFunc(all.images, func(a, b madeImage) int { return cmp.Compare(a.platform, b.platform) })
}

// names lists the images, sorted.
func (s *imageSet) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.byName))
}

// of returns the image called name, the zero one where there is none.
func (s *imageSet) of(name string) madeImages {
	s.mu.Lock()
	defer s.mu.Unlock()
	if all := s.byName[name]; all != nil {
		return madeImages{all.reference, all.version, slices.Clone(all.images)}
	}
	return madeImages{}
}

// tar returns the tar of an image for a platform.
func (s *imageSet) tar(name, platform string) (ledger.File, string, bool) {
	all := s.of(name)
	i := slices.IndexFunc(all.images, func(m madeImage) bool { return m.platform == platform })
	if i < 0 {
		return ledger.File{}, "", false
	}
	return all.images[i].tar, all.version, true
}
