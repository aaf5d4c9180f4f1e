package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"kubedist/pkg/bucket"
	"kubedist/pkg/hint"
	"kubedist/pkg/progress"
)

// repoPushOptions are the flags of repo push.
type repoPushOptions struct {
	archive archiveOptions
	show    showOptions
	force   []string
	jobs    int
	lease   time.Duration
	dryRun  bool
}

func newRepoPushCommand(env *environment) *cobra.Command {
	o := &repoPushOptions{}
	cmd := &cobra.Command{
		Use:   "push URL",
		Short: "Bring an archive to the bucket or directory where it is served",
		Long: `Makes a bucket what the archive's directory is: writes what changed, and then removes what the archive no longer
has. Clients may read all the while, and a push that was killed harms none of them: packages go first, then indices,
InRelease last. Run again, it goes on where it was.

  s3://BUCKET/PATH?region=REGION       AWS; with &endpoint=https://HOST&use_path_style=true another S3-compatible store
  gs://BUCKET/PATH                     Google Cloud Storage
  file:///DIRECTORY                    a directory, such as one that is mounted from a web server

Credentials are those of the providers' own tools: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile, or Google's
application default credentials. A store must know conditional writes (If-Match and If-None-Match of PutObject).

One push writes to a bucket at a time; a second one says who it waits for. A pusher that was killed is waited for until
its lock was not renewed for the time of --lease. What the archive no longer has stays for as many pushes as the
definition has generations; what others put into the bucket is left alone, and what they changed is not overwritten.

Packages and files under by-hash get a Cache-Control that lets caches keep them for a year, InRelease one of a minute. Let
readers list the bucket, or it answers 403 for what is not there, which apt takes for an error; what lies under
.kubedist/ they need not read.

Exit status: 0 done, 1 failed or refused, 2 bad option or input.`,
		Example: `  kubedist repo push 's3://apt-example?region=eu-central-1'
  kubedist repo push 's3://apt/kubernetes?region=us-east-1&endpoint=https://s3.example.org&use_path_style=true' --dry-run
  kubedist repo push gs://apt-example`,
		Args: oneArg("URL"),
		RunE: func(cmd *cobra.Command, args []string) error { return runRepoPush(cmd.Context(), env, o, args[0]) },
	}
	o.archive.addLookFlags(cmd)
	o.show.addFlags(cmd)
	cmd.Flags().StringSliceVar(&o.force, "force", nil, "go on where it would be refused: `diverged`, the bucket has packages that the archive does not know")
	cmd.Flags().IntVar(&o.jobs, "jobs", 8, "files to write at once")
	cmd.Flags().DurationVar(&o.lease, "lease", time.Minute, "time after which a pusher that shows no sign of life counts as dead; one for all who push")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would be written and removed, and change nothing")
	return cmd
}

func runRepoPush(ctx context.Context, env *environment, o *repoPushOptions, address string) error {
	options, err := o.options(env)
	if err != nil {
		return usageError(err)
	}
	if _, err := os.Stat(o.archive.root); err != nil {
		return usageError(hint.With(fmt.Errorf("archive: %w", err), "name its directory with --root"))
	}
	to, err := bucket.Open(ctx, address)
	if err != nil {
		return usageError(err)
	}
	defer to.Close()
	// The archive's lock is held all the while, so that what is pushed fits together.
	tx, d, err := o.archive.begin(ctx, env)
	if err != nil {
		return err
	}
	defer tx.Close()
	options.Generations = d.Generations
	if options.Files, err = tx.PublishedFiles(ctx); err != nil {
		return err
	}
	v, err := o.show.open(env)
	if err != nil {
		return err
	}
	options.Progress = v
	options.Waiting = func(holder string, since time.Time) {
		progress.Warn(v, "waiting for %s, which has pushed since %s; if it was killed, for %s", holder, since.Format(time.RFC3339), o.lease)
	}
	result, err := to.Push(ctx, options)
	if closing := v.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	if err := tx.Close(); err != nil {
		return err
	}
	return o.show.result(env, result, func(w io.Writer) { printPushed(w, result) })
}

// options takes what the flags say of the push itself.
func (o *repoPushOptions) options(env *environment) (bucket.Options, error) {
	p := bucket.Options{Root: o.archive.root, Jobs: o.jobs, Lease: o.lease, DryRun: o.dryRun, Now: env.Now()}
	for _, name := range o.force {
		if name != "diverged" {
			return p, hint.Errorf("the only one is diverged", "--force %s: no such refusal", name)
		}
		p.Diverged = true
	}
	if o.lease < time.Second {
		return p, fmt.Errorf("--lease %s: less than a second", o.lease)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "an unnamed host"
	}
	p.Holder = fmt.Sprintf("process %d on %s", os.Getpid(), host)
	return p, nil
}

func printPushed(w io.Writer, r *bucket.Result) {
	written, removed := "written", "removed"
	if r.DryRun {
		written, removed = "to write", "to remove"
	}
	files := 0
	var bytes int64
	for _, s := range r.Stages {
		files += len(s.Files)
		bytes += s.Bytes
		fmt.Fprintf(w, "%-19s  %s %s, %d bytes\n", s.Stage, count(len(s.Files), "file"), written, s.Bytes)
		if r.DryRun {
			for _, name := range s.Files {
				fmt.Fprintf(w, "  %s\n", name)
			}
		}
	}
	if r.DryRun {
		for _, name := range r.Removed {
			fmt.Fprintf(w, "remove  %s\n", name)
		}
	}
	fmt.Fprintf(w, "%s: %s %s (%d bytes), %d as they were, %d %s\n", r.Bucket, count(files, "file"), written, bytes, r.Unchanged, len(r.Removed), removed)
	if r.Kept > 0 {
		fmt.Fprintf(w, "kept for clients in the middle of an update: %s\n", count(r.Kept, "file"))
	}
	if r.Foreign > 0 {
		fmt.Fprintf(w, "not pushed from here, left alone: %s\n", count(r.Foreign, "file"))
	}
}
