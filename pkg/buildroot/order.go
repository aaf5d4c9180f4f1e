package buildroot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// programName is what this program is called when it is to enter a root.
const programName = "kubedist-buildroot"

// orderVariable is the variable of the environment that tells the program so called what to do.
const orderVariable = "KUBEDIST_BUILD_ROOT"

// StatusFailed is the exit status of a wrapped command that could not be started inside: its standard error says why. It
// is the one that programs of this kind end with (env(1), docker-run(1)).
const StatusFailed = 125

// Bind is a file or directory of the host that is there inside of a root.
type Bind struct {
	Host   string `json:"host"`   // absolute
	Inside string `json:"inside"` // absolute
	// Writable allows to write what the host allows to write. What is mounted below Host stays as writable as it is.
	Writable bool `json:"writable,omitempty"`
}

// order is what Wrap leaves for the program that enters the root: JSON, since the two are the same program.
type order struct {
	Root  string `json:"root"`  // the files of the root
	Mount string `json:"mount"` // an empty directory
	Binds []Bind `json:"binds"` // those that others lie in first
	// Program is what to become, as it is called inside; "" is for nothing, once the root is there.
	Program string `json:"program"`
	Name    string `json:"name"` // its own name for itself, argv[0]
	Dir     string `json:"dir"`
}

// parseOrder reads an order and checks it.
func parseOrder(text string) (order, error) {
	var o order
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&o); err != nil {
		return order{}, err
	}
	return o, o.check()
}

// check refuses an order that leaves the root or hides what every root has.
func (o order) check() error {
	if !filepath.IsAbs(o.Root) || !filepath.IsAbs(o.Mount) {
		return errors.New("the root is no absolute path")
	}
	if o.Program != "" && !isInside(o.Program) {
		return fmt.Errorf("program %q is not the clean absolute path of one inside of the root", o.Program)
	}
	if o.Dir != "/" && !isInside(o.Dir) {
		return fmt.Errorf("directory %q is not the clean absolute path of one inside of the root", o.Dir)
	}
	for i, b := range o.Binds {
		if !filepath.IsAbs(b.Host) {
			return fmt.Errorf("%q is not the absolute path of a file of this machine", b.Host)
		}
		top, _, _ := strings.Cut(strings.TrimPrefix(b.Inside, "/"), "/")
		if !isInside(b.Inside) || slices.Contains([]string{"dev", "proc"}, top) {
			return fmt.Errorf("%q is not a path inside of the root that something can be mounted at", b.Inside)
		}
		if i > 0 && o.Binds[i-1].Inside >= b.Inside {
			return fmt.Errorf("%s is mounted twice, or out of order", b.Inside)
		}
	}
	return nil
}

// isInside reports whether a path names something in a root.
func isInside(name string) bool {
	return path.IsAbs(name) && name != "/" && path.Clean(name) == name && fs.ValidPath(name[1:]) && !strings.ContainsRune(name, 0)
}

// Asked tells whether a program that was started as arg0 is to enter a root, and by which order. Both the name and the
// environment must say so.
func Asked(arg0 string, getenv func(string) string) (text string, ok bool) {
	text = getenv(orderVariable)
	return text, filepath.Base(arg0) == programName && text != ""
}
