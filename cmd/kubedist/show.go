package main

import (
	"encoding/json"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"kubedist/pkg/progress"
)

// showOptions say how long work is shown.
type showOptions struct {
	json  bool
	quiet bool
	plain bool
}

func (o *showOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.json, "json", false, "print events, and at the end the result, as one JSON object a line on standard output")
	cmd.Flags().BoolVar(&o.quiet, "quiet", false, "print nothing but warnings, and the error if there is one")
	cmd.Flags().BoolVar(&o.plain, "plain", false, "print a line per event even on a terminal")
	cmd.MarkFlagsMutuallyExclusive("json", "quiet", "plain")
}

// view shows progress until it is closed.
type view struct {
	progress.Renderer
	stop func()
}

// Close ends the view and leaves the terminal clean.
func (v *view) Close() error {
	v.stop()
	return v.Renderer.Close()
}

// open begins to show progress: on standard error, or as JSON on standard output.
func (o *showOptions) open(env *environment) (*view, error) {
	options := progress.Options{Now: env.Now, Mode: progress.Auto, Color: env.Getenv("NO_COLOR") == "" && env.Getenv("TERM") != "dumb"}
	w := env.Stderr
	switch {
	case o.json:
		w, options.Mode = env.Stdout, progress.JSON
	case o.quiet:
		options.Mode = progress.Quiet
	case o.plain || env.Getenv("TERM") == "dumb":
		options.Mode = progress.Plain
	}
	if f, ok := w.(*os.File); ok {
		options = options.ForFile(f)
	}
	ticker := time.NewTicker(200 * time.Millisecond)
	options.Tick = ticker.C
	renderer, err := progress.New(w, options)
	if err != nil {
		ticker.Stop()
		return nil, err
	}
	return &view{Renderer: renderer, stop: ticker.Stop}, nil
}

// result prints what came of the work: by text for people, as one JSON object for programs, not at all when quiet.
func (o *showOptions) result(env *environment, v any, text func(io.Writer)) error {
	switch {
	case o.json:
		return json.NewEncoder(env.Stdout).Encode(struct {
			Kind   string `json:"kind"`
			Result any    `json:"result"`
		}{"result", v})
	case !o.quiet:
		text(env.Stdout)
	}
	return nil
}

// writeJSON prints v for programs, indented for people who look at it.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
