package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"kubedist/pkg/hint"
	"kubedist/pkg/registry"
	"kubedist/pkg/spec"
)

// registryHelp is what commands that talk to registries have to say of that.
const registryHelp = `Credentials are those of podman login and docker login, with their credential helpers. Before them goes what
DOCKER_AUTH_CONFIG contains, and before that a file that REGISTRY_AUTH_FILE names. --username takes its password from
standard input, with --password-stdin: as an argument it would be seen by everybody on the machine who lists processes, and
stay in the shell's history.

Registries are asked with TLS, except on this machine; --plain-http allows others to have none. A request that fails for a
reason that may pass (429, 5xx, a lost connection) is made three times, after one and three seconds.`

// registryOptions say how registries are talked to.
type registryOptions struct {
	plainHTTP     bool
	caFile        string
	username      string
	password      bool // was given as an argument
	passwordStdin bool
	jobs          int
}

// addFlags registers all flags of o.
func (o *registryOptions) addFlags(flags *pflag.FlagSet) {
	o.addAccessFlags(flags)
	flags.IntVar(&o.jobs, "jobs", o.jobs, "requests to make at once")
}

// addAccessFlags registers those that say how to get in, for commands where --jobs is something else.
func (o *registryOptions) addAccessFlags(flags *pflag.FlagSet) {
	o.jobs = 4
	flags.BoolVar(&o.plainHTTP, "plain-http", false, "talk without TLS to registries that have none, on other machines, too")
	flags.StringVar(&o.caFile, "ca-file", "", "file with PEM certificates of authorities to trust with registries, beside those of the system")
	flags.StringVar(&o.username, "username", "", "user of the registry; the password is read from standard input")
	flags.BoolVar(&o.passwordStdin, "password-stdin", false, "read the password of --username from standard input, up to the end of its first line")
	// manifest-tool has this one. Whoever brings it along is told why there is none.
	flags.Var(refusedPassword{&o.password}, "password", "")
	if err := flags.MarkHidden("password"); err != nil {
		panic(err) // only for a flag that is not there
	}
}

// refusedPassword is a flag that is not taken. It keeps nothing of what it is given, so that no error can repeat it.
type refusedPassword struct{ given *bool }

func (refusedPassword) String() string { return "" }

// Type is what it takes, in the words of pflag.
func (refusedPassword) Type() string { return "string" }

// Set notes that it was given.
func (p refusedPassword) Set(string) error {
	*p.given = true
	return nil
}

// check refuses flags that say nothing, or too much.
func (o *registryOptions) check() error {
	switch {
	case o.jobs < 1:
		return usageError(fmt.Errorf("--jobs %d: less than one", o.jobs))
	case o.password:
		return usageError(hint.Errorf("use --password-stdin, and change the password if others use this machine", "--password: is not taken, since everybody on the machine can read it"))
	case (o.username != "") != o.passwordStdin:
		return usageError(hint.Errorf("give both: --username USER --password-stdin < FILE", "--username and --password-stdin: only one of them is given"))
	}
	return nil
}

// openForBases returns a client for the registries that bases are in; nil where none is in one.
func (o *registryOptions) openForBases(env *environment, bases ...spec.Base) (*registry.Client, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	var hosts []string
	for _, b := range bases {
		if b.Reference != "" {
			hosts = append(hosts, hostOf(b.Reference))
		}
	}
	slices.Sort(hosts)
	hosts = slices.Compact(hosts)
	switch {
	case o.username != "" && len(hosts) == 0:
		return nil, usageError(errors.New("--username: no base is in a registry"))
	case o.username != "" && len(hosts) > 1:
		return nil, usageError(hint.Errorf("log in to each with podman login or docker login", "--username: bases are in several registries: %s", strings.Join(hosts, ", ")))
	case len(hosts) == 0:
		return nil, nil
	}
	return o.open(env, hosts[0])
}

// open returns a client. The host is of the registry that --username is for.
func (o *registryOptions) open(env *environment, host string) (*registry.Client, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	options := registry.Options{
		Jobs: o.jobs, PlainHTTP: o.plainHTTP, CAFile: o.caFile, AuthFile: env.Getenv("REGISTRY_AUTH_FILE"), Getenv: env.Getenv, UserAgent: "kubedist",
	}
	if o.passwordStdin {
		// Passwords of cloud registries are tokens of a few thousand bytes.
		data, err := io.ReadAll(io.LimitReader(env.Stdin, 64<<10))
		if err != nil {
			return nil, fmt.Errorf("password on standard input: %w", err)
		}
		password, _, _ := strings.Cut(string(data), "\n")
		if password = strings.TrimSuffix(password, "\r"); password == "" {
			return nil, usageError(errors.New("password on standard input: is empty"))
		}
		options.Login = &registry.Login{Registry: host, Username: o.username, Password: password}
	}
	c, err := registry.New(options)
	return c, usageError(err)
}

// hostOf is the registry of a reference, for which credentials are.
func hostOf(reference string) string {
	host, _, ok := strings.Cut(reference, "/")
	if !ok || host != "localhost" && !strings.ContainsAny(host, ".:") {
		return "docker.io"
	}
	return host
}
