package release

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kubedist/pkg/hint"
	"kubedist/pkg/ledger"
	"kubedist/pkg/process"
	"kubedist/pkg/spec"
)

// coverageTime bounds one run of a program that names images; kubeadm takes a tenth of a second.
const coverageTime = time.Minute

// checkCoverage asks the programs of the release which images they want, and refuses a release that lacks one.
func (r *run) checkCoverage(ctx context.Context, programs map[string]ledger.File) error {
	for _, c := range r.plan.Coverage {
		program, ok := programs[c.Binary]
		if !ok {
			return fmt.Errorf("images that %s wants: it was not compiled for this machine", c.Binary)
		}
		wanted, err := r.wantedImages(ctx, c, r.path(program))
		if err != nil {
			return fmt.Errorf("images that %s wants: %w", c.Binary, err)
		}
		known := r.plan.references(c.Registry)
		for _, ref := range wanted {
			if !slices.Contains(known, ref) {
				return hint.Errorf("declare it in specs/images.yaml, or leave images out with --no-images",
					"image %s: %s will pull it, and the release does not contain it; it has %s", ref, c.Binary, strings.Join(known, ", "))
			}
		}
	}
	return nil
}

// references lists the images of the plan as clients name them in a registry, each once and sorted.
func (p *Plan) references(registry string) []string {
	var list []string
	for _, platform := range p.Platforms {
		for _, i := range platform.Images {
			tag := strings.TrimPrefix(i.Reference, i.Spec.Repository)
			if i.Spec.Repository == registry+"/"+i.Spec.Path() {
				list = append(list, i.Reference)
				continue
			}
			list = append(list, registry+"/"+i.Spec.Path()+tag)
			for _, also := range i.Spec.Also {
				list = append(list, registry+"/"+also+tag)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// wantedImages runs a program that names images, one a line.
func (r *run) wantedImages(ctx context.Context, c spec.Coverage, program string) ([]string, error) {
	program, err := filepath.Abs(program)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, coverageTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	for _, arg := range c.Args {
		expanded, err := expand(arg, map[string]string{"Version": r.plan.Version})
		if err != nil {
			return nil, err
		}
		cmd.Args = append(cmd.Args, expanded)
	}
	cmd.Env = []string{"HOME=/home/username", "LC_ALL=C", "TZ=UTC", "PATH=/usr/bin:/bin"}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	process.Isolate(cmd)
	if err := process.Run(ctx, cmd); err != nil {
		return nil, hint.Errorf("run it by hand to see more", "%s: %w: %s", strings.Join(cmd.Args, " "), err, excerpt(stderr.String()))
	}
	wanted := strings.Fields(stdout.String())
	if len(wanted) == 0 {
		return nil, fmt.Errorf("%s: it names none", strings.Join(cmd.Args, " "))
	}
	return wanted, nil
}
