package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"kubedist/pkg/release"
)

// summarize says in a few lines what a release turned out to be.
func summarize(w io.Writer, r *release.Result, o release.Options, took time.Duration) {
	if r.UpToDate {
		fmt.Fprintf(w, "%s is up to date: nothing to do (%.1fs)\n", r.Version, took.Seconds())
	} else {
		fmt.Fprintf(w, "%s made in %s\n", r.Version, took.Round(time.Second))
	}
	count := map[release.Kind]int{}
	var size int64
	for _, a := range r.Artifacts {
		count[a.Kind]++
		size += a.Size
	}
	fmt.Fprintf(w, "  %-9s %d binaries, %d packages, %d images, %d tarballs, %d MB in %s\n", "release", count[release.Binary], count[release.Deb], count[release.ImageTar], count[release.TarFile], size/1e6, r.Dir)
	if count[release.Provenance] > 0 {
		fmt.Fprintf(w, "  %-9s %d SBOMs, %d .changes, %s\n", "and", count[release.SBOM], count[release.Changes], release.ProvenanceName)
	}
	if o.Signer != nil {
		fmt.Fprintf(w, "  %-9s %s\n", "signed by", o.Signer.Fingerprint())
		for _, s := range o.CoSigners {
			fmt.Fprintf(w, "  %-9s %s\n", "and by", s.Fingerprint())
		}
	}
	if o.Archive != nil && len(r.Published) > 0 {
		fmt.Fprintf(w, "  %-9s %s: suites %s\n", "archive", o.Archive.Root, strings.Join(r.Published, ", "))
	}
}
