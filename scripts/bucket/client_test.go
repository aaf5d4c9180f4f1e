package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// client reads an archive over HTTP as apt does: InRelease, then what it names by digest, then packages.
type client struct{ base string }

// notThere is the error about a file that the server does not have.
type notThere string

func (n notThere) Error() string { return string(n) + ": 404" }

func (c client) get(ctx context.Context, name string) ([]byte, http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/"+strings.ReplaceAll(name, "+", "%2B"), http.NoBody)
	if err != nil {
		return nil, nil, err
	}
	// As apt, which asks caches for a fresh InRelease.
	r.Header.Set("Cache-Control", "max-age=0")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	switch response.StatusCode {
	case http.StatusOK:
		return data, response.Header, nil
	case http.StatusNotFound:
		return nil, nil, notThere(name)
	}
	return nil, nil, fmt.Errorf("%s: %s", name, response.Status)
}

// content reads a file and compares it with what lists it.
func (c client) content(ctx context.Context, name, digest string, size int) ([]byte, error) {
	data, _, err := c.get(ctx, name)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != digest || len(data) != size {
		return nil, fmt.Errorf("%s: hash sum mismatch", name)
	}
	return data, nil
}

// update reads a suite with all its indices and packages, and gives the packages.
func (c client) update(ctx context.Context, suite string) ([]string, error) {
	dir := "dists/" + suite
	inRelease, _, err := c.get(ctx, dir+"/InRelease")
	if err != nil {
		return nil, err
	}
	_, list, found := bytes.Cut(inRelease, []byte("\nSHA256:\n"))
	if !found {
		return nil, fmt.Errorf("%s/InRelease: lists nothing", dir)
	}
	seen := map[string]bool{}
	var packages []string
	for line := range bytes.Lines(list) {
		fields := strings.Fields(string(line))
		if line[0] != ' ' || len(fields) != 3 {
			break
		}
		size, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, err
		}
		index, err := c.content(ctx, path.Join(dir, path.Dir(fields[2]), "by-hash/SHA256", fields[0]), fields[0], size)
		if err != nil {
			return nil, err
		}
		if path.Base(fields[2]) != "Packages" {
			continue
		}
		for paragraph := range strings.SplitSeq(string(index), "\n\n") {
			file, digest, size := field(paragraph, "Filename"), field(paragraph, "SHA256"), field(paragraph, "Size")
			if file == "" || seen[file] {
				continue
			}
			n, err := strconv.Atoi(size)
			if err != nil {
				return nil, err
			}
			if _, err := c.content(ctx, file, digest, n); err != nil {
				return nil, err
			}
			seen[file] = true
			packages = append(packages, path.Base(file))
		}
	}
	return packages, nil
}

func field(paragraph, name string) string {
	for line := range strings.Lines(paragraph) {
		if value, found := strings.CutPrefix(line, name+": "); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
