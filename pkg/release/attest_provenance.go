package release

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"kubedist/pkg/gocmd"
	"kubedist/pkg/ledger"
	"kubedist/pkg/provenance"
	"kubedist/pkg/sbom"
)

// provenance writes and signs the statement about all files of the release.
func (a *attestor) provenance(ctx context.Context) error {
	var subjects []provenance.Resource
	for _, x := range a.artifacts.sorted() {
		subjects = append(subjects, provenance.Resource{Name: x.Path, Digest: map[string]string{"sha256": x.SHA256}})
	}
	predicate, err := a.predicate()
	if err != nil {
		return err
	}
	s, err := provenance.New(subjects, predicate)
	if err != nil {
		return err
	}
	payload, err := s.Marshal()
	if err != nil {
		return err
	}
	at := signingTime(a.trees[a.primary()].Stamp.BuildDate, a.signers()...)
	var signers []provenance.Signer
	for _, signer := range a.signers() {
		signers = append(signers, provenance.OpenPGP(signer, at))
	}
	if a.ProvenanceKey != nil {
		signers = append(signers, a.ProvenanceKey)
	}
	sum := sha256.Sum256(payload)
	parts := []any{"provenance", 1, hex.EncodeToString(sum[:])}
	for _, s := range signers {
		parts = append(parts, s.KeyID())
	}
	out := Artifact{Path: ProvenanceName, Kind: Provenance, Name: a.primary(), Version: a.plan.Version, Source: a.primary()}
	_, err = a.document(ctx, out, ledger.Key(parts...), func() ([]byte, error) { return provenance.Sign(ctx, payload, signers...) })
	return err
}

// predicate says what the release is made from and how.
func (a *attestor) predicate() (provenance.Predicate, error) {
	dependencies, err := a.dependencies()
	if err != nil {
		return provenance.Predicate{}, err
	}
	internal := provenance.Internal{Host: a.Selection.Host.String()}
	for _, name := range a.sourceNames() {
		used := a.chains[name]
		t := provenance.Toolchain{Source: name, Go: used.Version, Module: used.Module, Sum: used.Sum, C: a.origins(name)}
		internal.Toolchains = append(internal.Toolchains, t)
	}
	return provenance.Predicate{
		BuildDefinition: provenance.BuildDefinition{
			BuildType: provenance.BuildType, External: a.external(), Internal: internal, Dependencies: dependencies,
		},
		RunDetails: provenance.RunDetails{Builder: provenance.Builder{ID: provenance.BuilderID(a.Signer.Fingerprint()), Version: a.tool.fields()}},
	}, nil
}

// external are the parameters that a user sets, with their defaults filled in.
func (a *attestor) external() provenance.External {
	stamp := a.trees[a.primary()].Stamp
	e := provenance.External{
		Version: a.plan.Version, Packages: slices.Sorted(slices.Values(a.Selection.Packages)), Programs: slices.Sorted(slices.Values(a.Selection.Programs)),
		NoImages: a.Selection.NoImages, Profile: a.Selection.Profile, Revision: a.Selection.Revision,
		Maintainer: a.Maintainer, Compression: a.Compression.String(),
		BuildDate: stamp.BuildDate.UTC().Format(time.RFC3339), Commit: stamp.Commit, TreeState: stamp.TreeState,
		Spec: provenance.Resource{Digest: map[string]string{"sha256": a.Spec.Digest}},
	}
	for _, p := range a.plan.Platforms {
		if p.Released() {
			e.Platforms = append(e.Platforms, p.Name)
		}
	}
	slices.Sort(e.Platforms)
	return e
}

// dependencies are the trees, the modules that they were put together from, and the tool chains that were fetched.
func (a *attestor) dependencies() ([]provenance.Resource, error) {
	var list []provenance.Resource
	seen := map[string]bool{}
	module := func(path, version, sum string) error {
		uri := sbom.GoPURL(path, version)
		if seen[uri] {
			return nil
		}
		seen[uri] = true
		r := provenance.Resource{URI: uri}
		if sum != "" {
			var err error
			if r.Digest, err = provenance.DirHash(sum); err != nil {
				return fmt.Errorf("module %s %s: %w", path, version, err)
			}
		}
		list = append(list, r)
		return nil
	}
	for _, name := range a.sourceNames() {
		tree := a.trees[name]
		source, _ := a.Spec.Source(name)
		r := provenance.Resource{
			Name: name, URI: sbom.GoPURL(source.Module, tree.Stamp.Version), Digest: map[string]string{"kubedistTree": tree.Digest},
			Annotations: map[string]string{"origin": tree.Origin},
		}
		if tree.Stamp.Commit != "" {
			r.Digest["gitCommit"] = tree.Stamp.Commit
		}
		list = append(list, r)
		for _, s := range tree.Sums {
			if err := module(s.Module, s.Version, s.Sum); err != nil {
				return nil, err
			}
		}
		if used := a.chains[name]; used.Module != "" {
			if err := module(gocmd.ToolchainModule, used.Module, used.Sum); err != nil {
				return nil, err
			}
		}
	}
	return append(list, a.baseDependencies()...), nil
}

// baseDependencies are what images are built on, each once.
func (a *attestor) baseDependencies() []provenance.Resource {
	var list []provenance.Resource
	seen := map[string]bool{}
	add := func(r provenance.Resource) {
		if !seen[r.URI+r.Name] {
			seen[r.URI+r.Name] = true
			list = append(list, r)
		}
	}
	for _, p := range a.plan.Platforms {
		for _, i := range p.Images {
			base := a.bases[baseKey{i.Spec.Base, p.Name}]
			if base == nil {
				continue
			}
			if base.image != nil {
				add(provenance.Resource{Name: i.Spec.Base + " " + p.Name, URI: "pkg:oci/" + i.Spec.Base, Digest: map[string]string{"sha256": strings.TrimPrefix(base.digest, "sha256:")}})
			}
			for _, pkg := range base.packages {
				add(provenance.Resource{URI: sbom.DebPURL("debian", pkg.Package, pkg.Version, pkg.Architecture), Digest: map[string]string{"sha256": pkg.SHA256}})
			}
		}
	}
	return list
}
