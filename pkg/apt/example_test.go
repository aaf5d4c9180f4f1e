package apt_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"kubedist/pkg/apt"
	"kubedist/pkg/openpgp"
	"kubedist/repo"
)

func Example() {
	ctx := context.Background()
	root, err := os.MkdirTemp("", "archive")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(root)
	definition, err := apt.ParseDefinition("archive.yaml", repo.Archive)
	if err != nil {
		panic(err)
	}
	now := time.Date(2026, 7, 14, 9, 30, 0, 0, time.UTC)
	key, err := openpgp.Generate(ctx, openpgp.GenerateOptions{Name: "Archive", Created: now})
	if err != nil {
		panic(err)
	}

	tx, err := apt.Begin(ctx, apt.Options{Root: root, Definition: definition})
	if err != nil {
		panic(err)
	}
	defer tx.Close()
	// tx.Add(ctx, debs, apt.AddOptions{Suites: []string{"v1.36", "stable"}}) would come here.
	result, err := tx.Publish(ctx, apt.PublishOptions{Signers: []openpgp.Signer{key}, Now: now, Suites: []string{"v1.36"}})
	if err != nil {
		panic(err)
	}
	for _, s := range result.Suites {
		fmt.Println(s.Suite, s.Reason, s.ValidUntil.Format(time.DateOnly))
	}
	// Output: v1.36 first published 2027-01-10
}

func ExampleDefinition_SuitesFor() {
	definition, err := apt.ParseDefinition("archive.yaml", repo.Archive)
	if err != nil {
		panic(err)
	}
	for _, version := range []string{"v1.36.3", "v1.36.0-rc.0"} {
		suites, err := definition.SuitesFor(version)
		fmt.Println(version, suites, err)
	}
	// Output:
	// v1.36.3 [v1.36 stable latest unstable] <nil>
	// v1.36.0-rc.0 [unstable] <nil>
}

func ExampleParseSelector() {
	s, err := apt.ParseSelector("kubeadm:arm64 (<< 1.34)")
	fmt.Println(s.Package, s.Architecture, s.Relation, s.Version, err)
	// Output: kubeadm arm64 << 1.34 <nil>
}
