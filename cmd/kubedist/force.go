package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kubedist/pkg/apt"
	"kubedist/pkg/hint"
)

// forceOptions name the refusals that are not to keep a command from publishing.
type forceOptions struct{ names []string }

func (o *forceOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&o.names, "force", nil, "publish in spite of these refusals: `NAME[,NAME]`, of those that kubedist repo publish --help lists")
}

// refusals reads the names.
func (o *forceOptions) refusals() ([]apt.Refusal, error) {
	var all []apt.Refusal
	for _, name := range o.names {
		r, err := apt.ParseRefusal(name)
		if err != nil {
			return nil, usageError(fmt.Errorf("--force: %w", err))
		}
		all = append(all, r)
	}
	return all, nil
}

// refusalsHelp lists the refusals for a command's help.
func refusalsHelp() string {
	var b strings.Builder
	b.WriteString("Nothing is signed that would hurt clients. What is found is refused with an error that begins with one of these\nnames. --force NAME lets it pass, and warns instead:\n")
	for _, r := range apt.Refusals() {
		fmt.Fprintf(&b, "\n    %-13s %s", r, r.About())
	}
	return b.String()
}

// refused is one reason not to publish, for programs.
type refused struct {
	Refusal apt.Refusal `json:"refusal"`
	Problem string      `json:"problem"`
}

// refusedFor lists the refusals in an error.
func refusedFor(err error) []refused {
	var all *apt.RefusedError
	if errors.As(err, &all) {
		list := make([]refused, len(all.Problems))
		for i, p := range all.Problems {
			list[i] = refused{p.Refusal, p.Err.Error()}
		}
		return list
	}
	var one *apt.Problem
	if errors.As(err, &one) {
		return []refused{{one.Refusal, one.Err.Error()}}
	}
	return nil
}

// hintForce adds to a refusal how to override it.
func hintForce(err error) error {
	var refused *apt.RefusedError
	if !errors.As(err, &refused) {
		return err
	}
	var names []string
	for _, p := range refused.Problems {
		if name := string(p.Refusal); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	next := "publish all the same with: --force " + strings.Join(names, ",")
	switch first := hint.Of(err); {
	case strings.Contains(first, "--force "): // at the end of something that has to be done before
		return err
	case first != "":
		next = first + "; or " + next
	}
	return hint.With(err, next)
}
