package image_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"kubedist/pkg/image"
)

// putBlob writes content under its digest and returns its descriptor as JSON.
func putBlob(t testing.TB, dir, mediaType, content string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(content))
	digest := hex.EncodeToString(sum[:])
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := errors.Join(os.MkdirAll(blobs, 0o755), os.WriteFile(filepath.Join(blobs, digest), []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"mediaType":%q,"size":%d,"digest":"sha256:%s"}`, mediaType, len(content), digest)
}

// putRoot writes oci-layout and an index.json of descriptors.
func putRoot(t testing.TB, dir string, descriptors ...string) {
	t.Helper()
	root := `{"schemaVersion":2,"manifests":[` + strings.Join(descriptors, ",") + `]}`
	put(t, filepath.Join(dir, "index.json"), root)
	put(t, filepath.Join(dir, "oci-layout"), `{"imageLayoutVersion": "1.0.0"}`)
}

func put(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// Each of these layouts is refused, by a clear error, whatever is asked of it.
func TestHostileLayouts(t *testing.T) {
	t.Parallel()
	manifest := func(config string, layers ...string) string {
		return fmt.Sprintf(`{"schemaVersion":2,"config":%s,"layers":[%s]}`, config, strings.Join(layers, ","))
	}
	index := func(manifests ...string) string {
		return fmt.Sprintf(`{"schemaVersion":2,"manifests":[%s]}`, strings.Join(manifests, ","))
	}
	config := `{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}`
	zeros := "sha256:" + strings.Repeat("0", 64)
	tests := map[string]struct {
		make func(dir string)
		is   error
		want string
	}{
		"nothing":       {func(string) {}, fs.ErrNotExist, "oci-layout"},
		"other version": {func(dir string) { putRoot(t, dir); put(t, dir+"/oci-layout", `{"imageLayoutVersion":"2"}`) }, image.ErrDocument, `imageLayoutVersion "2"`},
		"no JSON":       {func(dir string) { putRoot(t, dir); put(t, dir+"/index.json", `{`) }, image.ErrDocument, "index.json"},
		"more behind":   {func(dir string) { putRoot(t, dir); put(t, dir+"/index.json", index()+"{}") }, image.ErrDocument, "index.json"},
		"no manifests":  {func(dir string) { putRoot(t, dir); put(t, dir+"/index.json", `{"schemaVersion":2}`) }, image.ErrDocument, "no manifests"},
		"schema 1":      {func(dir string) { putRoot(t, dir); put(t, dir+"/index.json", `{"manifests":[]}`) }, image.ErrDocument, "schemaVersion is 0"},
		"large root":    {func(dir string) { putRoot(t, dir); put(t, dir+"/index.json", strings.Repeat(" ", 5<<20)) }, image.ErrDocument, "more than 4194304 bytes"},
		"root leads out": {func(dir string) {
			putRoot(t, dir)
			other := t.TempDir()
			putRoot(t, other)
			if err := errors.Join(os.Remove(dir+"/index.json"), os.Symlink(other+"/index.json", dir+"/index.json")); err != nil {
				t.Fatal(err)
			}
		}, nil, "escapes"},
		"digest of dots": {func(dir string) {
			putRoot(t, dir, `{"mediaType":"`+manifestType+`","size":1,"digest":"sha256:../../../../etc/passwd"}`)
		}, image.ErrDocument, "index.json"},
		"no digest": {func(dir string) { putRoot(t, dir, `{"mediaType":"`+manifestType+`","size":1}`) }, image.ErrDocument, "no digest"},
		"other digest": {func(dir string) {
			putRoot(t, dir, `{"mediaType":"`+manifestType+`","size":1,"digest":"sha512:`+strings.Repeat("0", 128)+`"}`)
		}, image.ErrDocument, "no SHA-256"},
		"missing manifest": {func(dir string) { putRoot(t, dir, `{"mediaType":"`+manifestType+`","size":1,"digest":"`+zeros+`"}`) }, fs.ErrNotExist, zeros},
		"negative size":    {func(dir string) { putRoot(t, dir, `{"mediaType":"`+manifestType+`","size":-1,"digest":"`+zeros+`"}`) }, image.ErrDocument, "size of -1"},
		"large manifest": {func(dir string) {
			putRoot(t, dir, `{"mediaType":"`+manifestType+`","size":1000000000000000,"digest":"`+zeros+`"}`)
		}, image.ErrDocument, "of 1000000000000000 bytes"},
		"unknown type": {func(dir string) { putRoot(t, dir, putBlob(t, dir, "text/plain", "x")) }, image.ErrDocument, "neither an image nor an index"},
		"both": {func(dir string) {
			c := putBlob(t, dir, configType, config)
			putRoot(t, dir, putBlob(t, dir, manifestType, fmt.Sprintf(`{"schemaVersion":2,"config":%s,"layers":[],"manifests":[]}`, c)))
		}, image.ErrDocument, "has manifests"},
		"says another type": {func(dir string) {
			putRoot(t, dir, putBlob(t, dir, indexType, `{"schemaVersion":2,"mediaType":"x","manifests":[]}`))
		}, image.ErrDocument, `type "x"`},
		"missing layer": {func(dir string) {
			putRoot(t, dir, putBlob(t, dir, manifestType, manifest(putBlob(t, dir, configType, config), `{"mediaType":"`+layerType+`","size":1,"digest":"`+zeros+`"}`)))
		}, fs.ErrNotExist, zeros},
		"large config": {func(dir string) {
			putRoot(t, dir, putBlob(t, dir, manifestType, manifest(putBlob(t, dir, configType, strings.Repeat(" ", 5<<20)))))
		}, image.ErrDocument, "configuration of 5242880 bytes"},
		"many layers": {func(dir string) {
			layer := putBlob(t, dir, layerType, "x")
			putRoot(t, dir, putBlob(t, dir, manifestType, manifest(putBlob(t, dir, configType, config), strings.Split(strings.Repeat(layer+"\n", 1001), "\n")[:1001]...)))
		}, image.ErrDocument, "1001 layers"},
		"other platform": {func(dir string) {
			d := putBlob(t, dir, manifestType, manifest(putBlob(t, dir, configType, config)))
			putRoot(t, dir, strings.TrimSuffix(d, "}")+`,"platform":{"os":"linux","architecture":"arm64"}}`)
		}, image.ErrDocument, "its configuration of linux/amd64"},
		"deep": {func(dir string) {
			d := putBlob(t, dir, manifestType, manifest(putBlob(t, dir, configType, config)))
			for range 4 {
				d = putBlob(t, dir, indexType, index(d))
			}
			putRoot(t, dir, d)
		}, image.ErrDocument, "more than 4 indices"},
		"a link": {func(dir string) {
			d := putBlob(t, dir, manifestType, manifest(putBlob(t, dir, configType, config)))
			putRoot(t, dir, d)
			moved := filepath.Join(t.TempDir(), "blobs")
			if err := errors.Join(os.Rename(dir+"/blobs", moved), os.Symlink(moved, dir+"/blobs")); err != nil {
				t.Fatal(err)
			}
		}, nil, "escapes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			test.make(dir)
			l := image.NewLayout(dir)
			blobs, err := l.Verify(t.Context())
			if err == nil || blobs != nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), dir) {
				t.Fatalf("%d blobs, error %v, want %s", len(blobs), err, test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error %v does not wrap %v", err, test.is)
			}
			if _, err := l.Prune(t.Context()); err == nil {
				t.Error("pruned")
			}
		})
	}
}

// One index a thousand times in each of three indices is read once.
func TestRepeatedIndices(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := putBlob(t, dir, manifestType, `{"schemaVersion":2,"config":`+putBlob(t, dir, configType, `{"os":"linux","architecture":"amd64"}`)+`,"layers":[]}`)
	for range 3 {
		d = putBlob(t, dir, indexType, `{"schemaVersion":2,"manifests":[`+strings.Repeat(d+",", 999)+d+`]}`)
	}
	putRoot(t, dir, d)
	l := image.NewLayout(dir)
	if blobs, err := l.Verify(t.Context()); err != nil || len(blobs) != 5 {
		t.Errorf("%d blobs: %v", len(blobs), err)
	}
	refs, err := l.References()
	if err != nil {
		t.Fatal(err)
	}
	if images, err := l.Images(t.Context(), refs[0].Descriptor); err != nil || len(images) != 1 {
		t.Errorf("%d images: %v", len(images), err)
	}
}

// Every blob that is cut off, longer or different is found, and named.
func TestDamagedBlobs(t *testing.T) {
	t.Parallel()
	l := image.NewLayout(t.TempDir())
	fill(t, l, "linux/amd64", "linux/arm64")
	blobs, err := l.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blobs {
		whole, err := os.ReadFile(b.Path)
		if err != nil {
			t.Fatal(err)
		}
		flipped := bytes.Clone(whole)
		flipped[len(flipped)/2] ^= 1
		for what, content := range map[string][]byte{"truncated": whole[:len(whole)-1], "longer": append(bytes.Clone(whole), 'x'), "flipped": flipped} {
			put(t, b.Path, string(content))
			_, err := l.Verify(t.Context())
			if !errors.Is(err, image.ErrDamaged) || !strings.Contains(err.Error(), b.Digest.Hex) || !strings.Contains(err.Error(), ref) {
				t.Errorf("%s %s: error %v", what, b.MediaType, err)
			}
		}
		put(t, b.Path, string(whole))
	}
	if _, err := l.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Verify(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// What a registry needs comes before what refers to it.
func TestWalkOrder(t *testing.T) {
	t.Parallel()
	l := image.NewLayout(t.TempDir())
	index := fill(t, l, "linux/amd64", "linux/arm64")
	there := map[string]bool{}
	err := l.Walk(t.Context(), index.Descriptor, func(b image.Blob) error {
		if there[b.Digest.String()] {
			t.Errorf("%s comes twice", b.Digest)
		}
		there[b.Digest.String()] = true
		if !strings.HasSuffix(string(b.MediaType), "+json") || strings.Contains(string(b.MediaType), "config") {
			return nil
		}
		data, err := os.ReadFile(b.Path)
		if err != nil {
			return err
		}
		var m struct {
			Config            *v1.Descriptor
			Layers, Manifests []v1.Descriptor
		}
		if err := json.Unmarshal(data, &m); err != nil {
			return err
		}
		if m.Config != nil {
			m.Layers = append(m.Layers, *m.Config)
		}
		for _, d := range append(m.Layers, m.Manifests...) {
			if !there[d.Digest.String()] {
				t.Errorf("%s comes before %s, which it needs", b.Digest, d.Digest)
			}
		}
		return nil
	})
	if err != nil || len(there) != 8 {
		t.Errorf("%d blobs: %v", len(there), err)
	}
	boom := errors.New("boom")
	if err := l.Walk(t.Context(), index.Descriptor, func(image.Blob) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("error %v", err)
	}
}

// FuzzLayout gives the reader an index.json and one more document, under its digest, that index.json and itself may refer to as DIGEST
// and SIZE.
func FuzzLayout(f *testing.F) {
	d := func(mediaType string) string {
		return `{"mediaType":"` + mediaType + `","digest":"DIGEST","size":SIZE}`
	}
	root := func(mediaType string) string { return `{"schemaVersion":2,"manifests":[` + d(mediaType) + `]}` }
	f.Add(root(manifestType), `{"schemaVersion":2,"config":`+d(configType)+`,"layers":[]}`)
	f.Add(root(indexType), root(indexType))
	f.Add(root(manifestType), `{"schemaVersion":2,"config":{},"layers":[{"size":-1}]}`)
	f.Add(root("text/plain"), `{"os":"linux","architecture":"amd64"}`)
	f.Fuzz(func(t *testing.T, root, document string) {
		dir := t.TempDir()
		descriptor := putBlob(t, dir, manifestType, document)
		var blob v1.Descriptor
		if err := json.Unmarshal([]byte(descriptor), &blob); err != nil {
			t.Fatal(err)
		}
		putRoot(t, dir)
		put(t, dir+"/index.json", strings.NewReplacer("DIGEST", blob.Digest.String(), "SIZE", fmt.Sprint(len(document))).Replace(root))
		l := image.NewLayout(dir)
		blobs, err := l.Verify(t.Context())
		if err != nil && blobs != nil {
			t.Errorf("blobs beside the error %v", err)
		}
		for _, b := range blobs {
			if filepath.Dir(b.Path) != filepath.Join(dir, "blobs", "sha256") {
				t.Errorf("blob at %s", b.Path)
			}
		}
		refs, err := l.References()
		if err != nil {
			return
		}
		for _, ref := range append(refs, image.Reference{Descriptor: blob}) {
			_, _ = l.Images(t.Context(), ref.Descriptor)
			_, _ = l.Find(t.Context(), ref.Name, id(t, "linux/amd64"))
			if img, err := l.Image(t.Context(), ref.Descriptor); err == nil {
				_, _ = image.NewLayout(t.TempDir()).Import(t.Context(), img)
			}
		}
	})
}
