package image

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Config says how containers of an image are started. A field that is not set is inherited from the base, as after FROM
// in a Dockerfile: an Entrypoint makes the base's Cmd void, and Env and Ports add to the base's and replace those of the same
// name.
type Config struct {
	Entrypoint []string // program, with arguments that every start has
	Cmd        []string // arguments of a start that names none
	Env        []string // NAME=VALUE
	User       string   // UID, UID:GID or names that the image's passwd knows; "" is root
	WorkingDir string   // absolute
	Ports      []string // PORT or PORT/PROTOCOL, tcp, udp or sctp
}

var portForm = regexp.MustCompile(`^[1-9][0-9]{0,4}(/(tcp|udp|sctp))?$`)

// check refuses what container runtimes would take for something else, or not at all.
func (c Config) check() error {
	names := map[string]bool{}
	for _, pair := range c.Env {
		name, _, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return fmt.Errorf("environment %q: not of the form NAME=VALUE", pair)
		}
		if names[name] {
			return fmt.Errorf("environment %s: set twice", name)
		}
		names[name] = true
	}
	for _, port := range c.Ports {
		if !portForm.MatchString(port) {
			return fmt.Errorf("port %q: not of the form PORT/PROTOCOL", port)
		}
	}
	if c.WorkingDir != "" && !path.IsAbs(c.WorkingDir) {
		return fmt.Errorf("working directory %q: not an absolute path", c.WorkingDir)
	}
	if len(c.Entrypoint) > 0 && c.Entrypoint[0] == "" {
		return errors.New("entrypoint: its program has no name")
	}
	return nil
}

// onto returns the configuration of an image on a base with the given one. base is not changed.
func (c Config) onto(base v1.Config) v1.Config {
	out := *base.DeepCopy()
	out.OnBuild, out.Hostname, out.Image = nil, "", "" // of the making of the base itself
	if len(c.Entrypoint) > 0 {
		out.Entrypoint, out.Cmd = c.Entrypoint, nil
	}
	if len(c.Cmd) > 0 {
		out.Cmd = c.Cmd
	}
	for _, pair := range c.Env {
		name, _, _ := strings.Cut(pair, "=")
		same := func(other string) bool { return strings.HasPrefix(other, name+"=") }
		if at := slices.IndexFunc(out.Env, same); at >= 0 {
			out.Env[at] = pair
		} else {
			out.Env = append(out.Env, pair)
		}
	}
	if c.User != "" {
		out.User = c.User
	}
	if c.WorkingDir != "" {
		out.WorkingDir = c.WorkingDir
	}
	for _, port := range c.Ports {
		if out.ExposedPorts == nil {
			out.ExposedPorts = map[string]struct{}{}
		}
		if !strings.Contains(port, "/") {
			port += "/tcp"
		}
		out.ExposedPorts[port] = struct{}{}
	}
	return out
}
