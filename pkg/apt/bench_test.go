package apt_test

import (
	"fmt"
	"testing"

	"kubedist/pkg/apt"
)

// BenchmarkPublish publishes 2,000 small packages over 5 architectures from nothing, and then one more.
func BenchmarkPublish(b *testing.B) {
	archs := []string{"amd64", "arm64", "armhf", "ppc64el", "s390x"}
	debs := make([]string, 2000)
	for i := range debs {
		debs[i] = newDeb(b, fmt.Sprintf("package-%d", i/25), fmt.Sprintf("1.%d-1", i/5%5), archs[i%5])
	}
	more := newDeb(b, "package-more", "1.0-1", "amd64")
	b.Run("nothing", func(b *testing.B) {
		for b.Loop() {
			a := newArchive(b)
			a.def = definition(b)
			a.publish([]string{"stable"}, debs...)
		}
	})
	b.Run("one-more", func(b *testing.B) {
		a := newArchive(b)
		a.def = definition(b)
		a.publish([]string{"stable"}, debs...)
		for b.Loop() {
			b.StopTimer()
			remove(b, a, "package-more")
			b.StartTimer()
			a.publish([]string{"stable"}, more)
		}
	})
	b.Run("verify", func(b *testing.B) {
		a := newArchive(b)
		a.def = definition(b)
		a.publish([]string{"stable"}, debs...)
		for b.Loop() {
			a.mustVerify()
		}
	})
}

func remove(b *testing.B, a *archive, name string) {
	b.Helper()
	tx := a.begin()
	defer tx.Close()
	if _, err := tx.Remove(b.Context(), apt.RemoveOptions{Suite: "stable", Selector: apt.Selector{Package: name}}); err != nil {
		b.Fatal(err)
	}
	if _, err := tx.Publish(b.Context(), a.options()); err != nil {
		b.Fatal(err)
	}
}
