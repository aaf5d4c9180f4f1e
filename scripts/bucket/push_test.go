package bucket

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// large is more than goes into one request.
const large = 40 << 20

// servers are the stores that each test is run with.
var servers = map[string]func(*testing.T) *server{"s3": startS3, "gcs": startGCS}

func eachServer(t *testing.T, test func(t *testing.T, s *server)) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) { test(t, start(t)) })
	}
}

// TestPush pushes what changed and nothing else, with the headers that caches go by.
func TestPush(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		a := newTree(t, s)
		a.add("kubernetes-cni", "1.8.0+x~y-1.1", 1000)
		a.add("cri-tools", "1.36.0-1.1", large)
		t.Log(a.push())
		reader := client{s.base}
		packages, err := reader.update(t.Context(), "stable")
		if err != nil || len(packages) != 2 {
			t.Fatalf("clients see %v, %v", packages, err)
		}
		if out := a.push(); !strings.Contains(out, " 0 files written") {
			t.Errorf("the second push:\n%s", out)
		}
		a.add("kubernetes-cni", "1.8.1-1.1", 1000)
		if out := a.push(); !strings.Contains(out, "pool                 1 file written") {
			t.Errorf("one more package:\n%s", out)
		}
		for name, want := range map[string][2]string{
			"dists/stable/InRelease":                               {"text/plain; charset=utf-8", "public, max-age=60"},
			"dists/stable/main/binary-amd64/Packages.gz":           {"application/gzip", "public, no-cache"},
			"pool/main/c/cri-tools/cri-tools_1.36.0-1.1_amd64.deb": {"application/vnd.debian.binary-package", "public, max-age=31536000, immutable"},
		} {
			_, header, err := reader.get(t.Context(), name)
			if err != nil {
				t.Error(err)
				continue
			}
			if got := [2]string{header.Get("Content-Type"), header.Get("Cache-Control")}; got != want || header.Get("Content-Encoding") != "" {
				t.Errorf("%s: got %q, %q, want %q", name, got, header.Get("Content-Encoding"), want)
			}
		}
		if _, _, err := reader.get(t.Context(), "dists/v1.0/InRelease"); !errors.As(err, new(notThere)) {
			t.Errorf("a file that is not there: %v", err)
		}
	})
}

// watch reads the archive over and over until stopped, and tells how often it did.
func watch(t *testing.T, s *server) (stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var rounds atomic.Int64
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				_, err := client{s.base}.update(ctx, "stable")
				if ctx.Err() != nil {
					return
				}
				if err != nil && !(errors.As(err, new(notThere)) && strings.Contains(err.Error(), "InRelease") && rounds.Load() == 0) {
					t.Errorf("a client failed: %v", err)
				}
				if err == nil {
					rounds.Add(1)
				}
			}
		})
	}
	return func() int { cancel(); wg.Wait(); return int(rounds.Load()) }
}

// TestReadWhilePushing publishes and pushes while clients read all the while.
func TestReadWhilePushing(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		a := newTree(t, s)
		stop := watch(t, s)
		for i := range 15 {
			a.add("kubernetes-cni", fmt.Sprintf("1.8.%d-1.1", i), 20_000)
			if i > 5 {
				a.must("repo", "remove", "--root", a.root, "--suite", "stable", fmt.Sprintf("kubernetes-cni (= 1.8.%d-1.1)", i-6))
				a.must("repo", "gc", "--root", a.root)
			}
			a.push()
		}
		if n := stop(); n < 15 {
			t.Errorf("only %d updates in 15 pushes", n)
		} else {
			t.Logf("%d updates, none failed", n)
		}
	})
}

// TestKilled kills pushes at random moments, while clients read.
func TestKilled(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		a := newTree(t, s)
		a.add("cri-tools", "1.36.0-1.1", 1000)
		began := time.Now()
		a.push()
		whole := time.Since(began)
		stop := watch(t, s)
		killed := 0
		for i := range 12 {
			size := 50_000
			if i%4 == 0 {
				size = large
			}
			a.add("kubernetes-cni", fmt.Sprintf("1.8.%d-1.1", i), size)
			ctx, cancel := context.WithTimeout(t.Context(), rand.N(whole))
			if err := a.command(ctx, a.pushArgs()...).Run(); err != nil {
				killed++
			}
			cancel()
			if _, err := (client{s.base}).update(t.Context(), "stable"); err != nil {
				t.Fatalf("after a killed push: %v", err)
			}
			a.push() // waits for the lease of the dead
			packages, err := client{s.base}.update(t.Context(), "stable")
			if err != nil || len(packages) != i+2 {
				t.Fatalf("after the next push clients see %d packages, want %d: %v", len(packages), i+2, err)
			}
		}
		t.Logf("killed %d of 12, %d updates meanwhile", killed, stop())
		if killed < 3 {
			t.Errorf("only %d pushes were killed", killed)
		}
		if s.s3 == nil {
			return
		}
		left, err := s.s3.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(bucketName)})
		if err != nil || len(left.Uploads) > 0 {
			t.Errorf("%d uploads were never completed, %v", len(left.Uploads), err)
		}
	})
}

// TestTwoPushers lets two who have the same archive push at once, over and over, and one whose archive has diverged.
func TestTwoPushers(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		a := newTree(t, s)
		stop := watch(t, s)
		for i := range 8 {
			a.add("kubernetes-cni", fmt.Sprintf("1.8.%d-1.1", i), 1000)
			b := a.clone()
			var wg sync.WaitGroup
			for _, one := range []*tree{a, b} {
				wg.Go(func() {
					if out, err := one.command(t.Context(), one.pushArgs()...).CombinedOutput(); err != nil {
						t.Errorf("%v\n%s", err, out)
					}
				})
			}
			wg.Wait()
			packages, err := client{s.base}.update(t.Context(), "stable")
			if err != nil || len(packages) != i+1 {
				t.Fatalf("clients see %d packages, want %d: %v", len(packages), i+1, err)
			}
		}
		stop()
		b := a.clone()
		a.add("cri-tools", "1.36.0-1.1", 1000)
		a.push()
		b.add("cri-tools", "1.36.1-1.1", 1000)
		b.add("cri-tools", "1.36.2-1.1", 1000) // dated later than what the bucket has
		out, err := b.command(t.Context(), b.pushArgs()...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "the bucket has packages that this tree does not know, such as pool/main/c/cri-tools/cri-tools_1.36.0-1.1_amd64.deb") {
			t.Errorf("a diverged push: %v\n%s", err, out)
		}
	})
}
