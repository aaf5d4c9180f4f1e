package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/spf13/cobra"
	"kubedist/pkg/bindiff"
	"kubedist/pkg/hint"
	"kubedist/pkg/platform"
	"kubedist/pkg/published"
	"kubedist/pkg/release"
	"kubedist/pkg/spec"
)

// againstOptions are the flags of verify that compare a release with published checksums.
type againstOptions struct {
	file      string
	platforms []string
	programs  []string
}

func (o *againstOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.file, "against", "", "compare the programs with published checksums: a SHA256SUMS, NAME.sha256, a directory of them, a checksums.yml, or a version that specs/releases knows")
	cmd.Flags().StringSliceVar(&o.platforms, "platform", nil, "with --against: compare these platforms alone")
	cmd.Flags().StringSliceVar(&o.programs, "program", nil, "with --against: compare these programs alone")
}

// place is the argument of verify: a path, which --against can find for itself.
func (o *againstOptions) place(cmd *cobra.Command, args []string) error {
	if o.file != "" && len(args) == 0 {
		return nil
	}
	if o.file == "" && len(o.platforms)+len(o.programs) > 0 {
		return usageError(hint.Errorf("a plain verify checks all there is", "--platform and --program go with --against"))
	}
	return oneArg("PATH")(cmd, args)
}

func runVerifyAgainst(cmd *cobra.Command, env *environment, o *verifyOptions, args []string) error {
	s, _, err := o.spec.load()
	if err != nil {
		return usageError(err)
	}
	options := release.AgainstOptions{Spec: s, Programs: o.against.programs, Jobs: runtime.GOMAXPROCS(0)}
	if options.Platforms, err = o.against.ids(s); err != nil {
		return usageError(err)
	}
	for _, name := range options.Programs {
		if name == "" {
			return usageError(errors.New("--program: empty name"))
		}
	}
	dir, err := releaseDir(args)
	if err != nil {
		return usageError(err)
	}
	if options.Published, err = o.against.read(cmd, s); err != nil {
		return usageError(err)
	}
	c, err := release.Against(cmd.Context(), dir, options)
	switch {
	case errors.Is(err, release.ErrNothingCompared), errors.Is(err, fs.ErrNotExist):
		return usageError(err)
	case err != nil:
		return fmt.Errorf("comparing %s: %w", dir, err)
	}
	if o.json {
		err = writeJSON(env.Stdout, c)
	} else {
		err = printComparison(env.Stdout, c)
	}
	if err != nil {
		return err
	}
	if same := c.Count(release.Identical); same < len(c.Programs) {
		return checkError(fmt.Errorf("release %s: %d of %s identical", dir, same, count(len(c.Programs), "program")))
	}
	return nil
}

// ids are the platforms to compare.
func (o *againstOptions) ids(s *spec.Spec) ([]platform.ID, error) {
	var list []platform.ID
	for _, name := range o.platforms {
		id, err := platform.Parse(name)
		if err != nil {
			return nil, fmt.Errorf("--platform: %w", err)
		}
		if _, ok := s.Platform(id); !ok {
			return nil, fmt.Errorf("--platform: %s is not declared in specs/platforms.yaml", id)
		}
		list = append(list, id)
	}
	return list, nil
}

// read reads the published checksums, or takes those of a version that the specification knows.
func (o *againstOptions) read(cmd *cobra.Command, s *spec.Spec) (*published.Checksums, error) {
	c, err := published.Read(cmd.Context(), o.file, release.PublishedOptions(s))
	if errors.Is(err, fs.ErrNotExist) {
		if known, ok := release.KnownChecksums(s, o.file); ok {
			return known, nil
		}
	}
	return c, err
}

// releaseDir is the release that args name, or the only one under out/.
func releaseDir(args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	found, err := filepath.Glob(filepath.Join("out", "*", release.ManifestName))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", hint.Errorf("name the directory of the release", "out: %s", count(len(found), "release"))
	}
	return filepath.Dir(found[0]), nil
}

// printComparison writes a table of all programs, and below it what is known of those that differ.
func printComparison(w io.Writer, c *release.Comparison) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PROGRAM\tPLATFORM\tRESULT\tSHA-256")
	for _, p := range c.Programs {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", printable(p.Program), p.Platform, p.Status, cmp.Or(p.Got, p.Expected, "-"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, p := range c.Programs {
		if len(p.Notes) > 0 || p.Status == release.Different {
			printCompared(w, p)
		}
	}
	if len(c.Beyond) > 0 {
		fmt.Fprintf(w, "\nnot compared, since no checksum of them was given: %s\n", strings.Join(c.Beyond, " "))
	}
	printChanged(w, c)
	if len(c.Untried) > 0 {
		fmt.Fprintf(w, "\nnot tried: %s\n", strings.Join(c.Untried, "; "))
	}
	fmt.Fprintf(w, "\n%s: %d identical, %d different, %d missing from the release, %d not published\n", c.Version,
		c.Count(release.Identical), c.Count(release.Different), c.Count(release.NotMade), c.Count(release.Unpublished))
	return nil
}

// maxChanged is how many changed files are named.
const maxChanged = 20

// printChanged says in which files the source is not what the module proxy serves.
func printChanged(w io.Writer, c *release.Comparison) {
	if len(c.Changed) > 0 {
		fmt.Fprintf(w, "\nthe source is not that of %s as the module proxy serves it:\n", c.Version)
	}
	for _, name := range c.Changed[:min(len(c.Changed), maxChanged)] {
		fmt.Fprintf(w, "  %s\n", printable(name))
	}
	if more := len(c.Changed) - maxChanged; more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
	for _, note := range c.Notes {
		fmt.Fprintf(w, "\n%s\n", note)
	}
}

// printCompared says what is known of a program that is not as published.
func printCompared(w io.Writer, p *release.Compared) {
	fmt.Fprintf(w, "\n%s %s: %s\n", p.Program, p.Platform, p.Status)
	if p.Status == release.Different {
		fmt.Fprintf(w, "  published  %s  %s\n  release    %s  %s\n", p.Expected, p.Source, p.Got, p.Path)
	}
	for _, note := range p.Notes {
		fmt.Fprintf(w, "  %s\n", note)
	}
	if p.Difference != nil {
		printDifference(w, p.Difference)
	}
	if len(p.BuildInfo) > 0 {
		fmt.Fprintln(w, "  build information of the release's program; that of the published one is not at hand:")
		for _, line := range p.BuildInfo {
			if !strings.HasPrefix(line, "dep ") {
				fmt.Fprintf(w, "    %s\n", printable(line))
			}
		}
	}
}

// printable returns text as it is when all of it can be printed, and quoted when not: it can be anyone's, and a terminal
// obeys what is not.
func printable(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

// side names the two programs of a difference, in the order of bindiff.
func side(i int) string {
	if i == 0 {
		return "release"
	}
	return "published"
}

// printDifference says in what a program (release) and the published one (published) differ.
func printDifference(w io.Writer, d *bindiff.Difference) {
	if len(d.BuildInfo) == 0 {
		fmt.Fprintln(w, "  build information: the same")
	}
	for _, line := range d.BuildInfo {
		fmt.Fprintf(w, "  build information: %s\n", printable(line.Key))
		for i, text := range line.Texts {
			fmt.Fprintf(w, "    %-9s  %s\n", side(i), cmp.Or(printable(text), "-"))
		}
	}
	if len(d.Sections) > 0 {
		printSection(w, d.Sections[0])
	}
	if len(d.Sections) > 1 {
		var names []string
		for _, s := range d.Sections[1:] {
			names = append(names, s.Name)
		}
		fmt.Fprintf(w, "  other differing sections: %s\n", strings.Join(names, " "))
	}
	if len(d.Sections) == 0 && d.Offset >= 0 {
		fmt.Fprintf(w, "  first differing byte: %#x, in no section that was compared\n", d.Offset)
	}
	for _, note := range d.Notes {
		fmt.Fprintf(w, "  %s\n", note)
	}
}

// printSection says where the first section that differs does so.
func printSection(w io.Writer, s bindiff.Section) {
	switch {
	case s.Sizes[1] < 0:
		fmt.Fprintf(w, "  first differing section: %s, which the published program lacks\n", s.Name)
	case s.Sizes[0] < 0:
		fmt.Fprintf(w, "  first differing section: %s, which the release's program lacks\n", s.Name)
	default:
		fmt.Fprintf(w, "  first differing section: %s at byte %#x (of the files: %#x and %#x)\n", s.Name, s.Offset, s.FileOffsets[0], s.FileOffsets[1])
		if s.Sizes[0] != s.Sizes[1] {
			fmt.Fprintf(w, "    its sizes: %d and %d bytes\n", s.Sizes[0], s.Sizes[1])
		}
	}
	for i, text := range s.Texts {
		if text != "" {
			fmt.Fprintf(w, "    %-9s  %q\n", side(i), text)
		}
	}
}
