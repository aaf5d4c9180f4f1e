package apt

import (
	"fmt"
	"slices"
	"strings"
)

// Refusal names a kind of reason for which an archive is not published. Whoever knows better can override each kind by
// its name: see [PublishOptions] and [AddOptions].
type Refusal string

// The refusals.
const (
	RefuseDependency   Refusal = "dependency"
	RefuseContents     Refusal = "contents"
	RefuseArchitecture Refusal = "architecture"
	RefuseDrop         Refusal = "drop"
	RefuseKey          Refusal = "key"
	RefuseKeyExpiry    Refusal = "key-expiry"
	RefuseFutureDate   Refusal = "future-date"
	RefuseIdentity     Refusal = "identity"
	RefusePast         Refusal = "past"
)

// Refusals lists all refusals in the order in which they are looked for.
func Refusals() []Refusal {
	return []Refusal{RefuseContents, RefuseDependency, RefuseArchitecture, RefuseDrop, RefuseIdentity, RefusePast, RefuseKey, RefuseKeyExpiry, RefuseFutureDate}
}

// About says in one line what is refused, and what follows for clients where it is overridden.
func (r Refusal) About() string {
	switch r {
	case RefuseDependency:
		return "a package of Kubernetes needs what neither suite nor distribution has; it cannot be installed"
	case RefuseContents:
		return "another file has this name, version and architecture; passes only once no index lists that one, for downloads would fail"
	case RefuseArchitecture:
		return "a version is missing for an architecture that has the version before it; its users get no upgrade"
	case RefuseDrop:
		return "an architecture or component with packages is no longer in the definition; its users lose their packages"
	case RefuseKey:
		return "apt 3, or the gpgv of Debian 12, takes no signature of this key; its users get no update"
	case RefuseKeyExpiry:
		return "the key ends before Valid-Until; from then on apt refuses the archive"
	case RefuseFutureDate:
		return "the date is in the future; until then apt refuses the archive"
	case RefuseIdentity:
		return "Origin, Label, Suite or Codename changes; apt stops until each user has agreed"
	case RefusePast:
		return "no key given, or a revoked one, has signed what is published, so someone else may have put it there"
	}
	return "unknown"
}

// ParseRefusal returns the refusal of that name. Another name is an error that lists the names.
func ParseRefusal(name string) (Refusal, error) {
	if slices.Contains(Refusals(), Refusal(name)) {
		return Refusal(name), nil
	}
	var names []string
	for _, r := range Refusals() {
		names = append(names, string(r))
	}
	return "", fmt.Errorf("refusal %q: unknown, there are %s", name, strings.Join(names, ", "))
}

// Problem is one reason not to publish, with the name under which it can be overridden.
type Problem struct {
	Refusal Refusal
	Err     error
}

func (p *Problem) Error() string { return string(p.Refusal) + ": " + p.Err.Error() }

// Unwrap gives the error without the refusal's name.
func (p *Problem) Unwrap() error { return p.Err }

// RefusedError lists what keeps an archive from being published. Nothing was written.
type RefusedError struct{ Problems []*Problem }

// Error gives each of several problems a line of its own.
func (e *RefusedError) Error() string {
	if len(e.Problems) == 1 {
		return "refused: " + e.Problems[0].Error()
	}
	text := "refused:"
	for _, p := range e.Problems {
		text += "\n  " + p.Error()
	}
	return text
}

// Unwrap gives the problems, for errors.Is and for their hints.
func (e *RefusedError) Unwrap() []error {
	all := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		all[i] = p
	}
	return all
}

// inSuite is a problem that one suite has.
type inSuite struct {
	suite string
	err   error
}

// acrossSuites makes one problem of those that several suites share, in the order in which they were found.
func acrossSuites(refusal Refusal, found []inSuite) []*Problem {
	var texts []string
	suites := map[string][]string{}
	errs := map[string]error{}
	for _, f := range found {
		text := f.err.Error()
		if errs[text] == nil {
			texts, errs[text] = append(texts, text), f.err
		}
		suites[text] = append(suites[text], f.suite)
	}
	problems := make([]*Problem, len(texts))
	for i, text := range texts {
		noun := "suite "
		if len(suites[text]) > 1 {
			noun = "suites "
		}
		problems[i] = &Problem{refusal, fmt.Errorf("%s: %w", noun+strings.Join(suites[text], ", "), errs[text])}
	}
	return problems
}
