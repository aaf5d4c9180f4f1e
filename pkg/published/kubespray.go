package published

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"golang.org/x/mod/semver"
	"kubedist/pkg/yamlfile"
)

// ParseKubespray reads the checksums.yml of Kubespray (roles/…/checksums.yml), which has
//
//	kubeadm_checksums:
//	  arm64:
//	    1.34.0: sha256:6b71…
//
// for Linux. Files of before 2025 have bare digests, versions with a v, and 0 where there is no such file. Other keys
// than those of o's programs are left out, as are architectures that o has no platform for.
//
// The tree is walked, not decoded: an alias inside is refused, so that nothing grows beyond the size of the file.
func ParseKubespray(name string, data []byte, o Options) (c *Checksums, err error) {
	defer func() { // the tree of malformed YAML can have holes
		if r := recover(); r != nil {
			c, err = nil, fmt.Errorf("%s: malformed YAML: %v: %w", name, r, ErrFormat)
		}
	}()
	f, err := yamlfile.Parse(name, data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrFormat)
	}
	k := &kubespray{name: name, options: o}
	f.Walk(k)
	if len(k.problems) > 0 {
		return nil, fmt.Errorf("%w: %w", errors.Join(k.problems...), ErrFormat)
	}
	return collect(k.entries)
}

const checksumsKey = "_checksums"

var architecture = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)

// maxProblems is how many mistakes of one file are told.
const maxProblems = 10

// kubespray is an ast.Visitor that goes no deeper than it understands.
type kubespray struct {
	name     string
	options  Options
	entries  []Entry
	problems []error
}

func (k *kubespray) problem(node ast.Node, format string, args ...any) {
	if len(k.problems) < maxProblems {
		k.problems = append(k.problems, fmt.Errorf("%s: %s", k.at(node), fmt.Sprintf(format, args...)))
	}
}

func (k *kubespray) at(node ast.Node) string {
	if t := node.GetToken(); t != nil && t.Position != nil {
		return fmt.Sprintf("%s:%d", k.name, t.Position.Line)
	}
	return k.name
}

// Visit implements ast.Visitor: it takes the mapping that the document is.
func (k *kubespray) Visit(node ast.Node) ast.Visitor {
	switch node.(type) {
	case *ast.DocumentNode:
		return k
	case nil, *ast.CommentGroupNode: // an empty file, and what is said about it
		return nil
	}
	if list, ok := k.pairs(node, "the file"); ok {
		for _, p := range list {
			program, found := strings.CutSuffix(p.key, checksumsKey)
			if found && slices.Contains(k.options.Programs, program) {
				k.program(program, p.value)
			}
		}
	}
	return nil
}

// pair is one entry of a mapping.
type pair struct {
	key   string
	node  ast.Node // of the key
	value ast.Node
}

// pairs returns the entries of a mapping; anything else, and a key that comes twice, is a problem.
func (k *kubespray) pairs(node ast.Node, what string) ([]pair, bool) {
	var values []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		k.problem(node, "%s is not a mapping", what)
		return nil, false
	}
	seen := map[string]bool{}
	var list []pair
	for _, v := range values {
		scalar, ok := v.Key.(ast.ScalarNode)
		if !ok || scalar.GetToken() == nil || v.Value == nil {
			k.problem(v, "the key is not plain text")
			continue
		}
		p := pair{scalar.GetToken().Value, v.Key, v.Value}
		if seen[p.key] {
			k.problem(v.Key, "%q comes twice", p.key)
		}
		seen[p.key] = true
		list = append(list, p)
	}
	return list, true
}

// program takes what is listed of one program: its architectures, and their versions.
func (k *kubespray) program(program string, node ast.Node) {
	list, _ := k.pairs(node, program+checksumsKey)
	for _, arch := range list {
		if !architecture.MatchString(arch.key) {
			k.problem(arch.node, "%s%s: %.40q is not an architecture", program, checksumsKey, arch.key)
			continue
		}
		versions, _ := k.pairs(arch.value, program+checksumsKey+"."+arch.key)
		id, known := k.options.platformOf("linux", arch.key)
		for _, v := range versions {
			e, ok := k.entry(v)
			if !ok || !known {
				continue
			}
			if len(k.entries) >= maxEntries {
				k.problem(v.node, "more than %d checksums", maxEntries)
				return
			}
			e.Program, e.Platform = program, id
			k.entries = append(k.entries, e)
		}
	}
}

// entry reads VERSION: DIGEST. What is published nowhere, the digest 0, is not ok and no problem.
func (k *kubespray) entry(v pair) (Entry, bool) {
	e := Entry{Version: "v" + strings.TrimPrefix(v.key, "v"), Place: k.at(v.node)}
	if !semver.IsValid(e.Version) || semver.Canonical(e.Version) != e.Version {
		k.problem(v.node, "%.40q is not a version", v.key)
		return e, false
	}
	scalar, ok := v.value.(ast.ScalarNode)
	if !ok || scalar.GetToken() == nil {
		k.problem(v.value, "%s: not a SHA-256 digest", v.key)
		return e, false
	}
	text := scalar.GetToken().Value
	if text == "0" {
		return e, false
	}
	sum, err := digest(strings.TrimPrefix(text, "sha256:"))
	if err != nil {
		k.problem(v.value, "%s: %.80q is not a SHA-256 digest", v.key, text)
		return e, false
	}
	e.SHA256 = sum
	return e, true
}
