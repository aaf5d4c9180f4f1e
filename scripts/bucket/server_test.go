package bucket

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/fsouza/fake-gcs-server/fakestorage"
)

// server is an object store on loopback with one bucket that all may read.
type server struct {
	url  string   // for kubedist repo push
	base string   // where clients read
	env  []string // of who pushes
	s3   *s3.Client
}

const (
	bucketName   = "apt"
	accessKey    = "test"
	secretKey    = "not-a-secret"
	anyoneMay    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::apt","arn:aws:s3:::apt/*"]}]}`
	startTimeout = 30 * time.Second
)

// freeAddress finds a port that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startS3 runs versitygw over a directory.
func startS3(t *testing.T) *server {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	// It keeps metadata in extended attributes, which the file system must have. With its --sidecar an object that is
	// replaced has for a moment the checksum of another, and reading it fails.
	cmd := exec.Command(versitygw, "--port", address, "--access", accessKey, "--secret", secretKey, "--quiet", "posix", data)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("versitygw said:\n%s", text)
		}
	})
	client := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + address), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
	})
	await(t, "http://"+address)
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucketName)}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String(bucketName), Policy: aws.String(anyoneMay)}); err != nil {
		t.Fatal(err)
	}
	return &server{
		url:  fmt.Sprintf("s3://%s/kubernetes?region=us-east-1&endpoint=http://%s&use_path_style=true", bucketName, address),
		base: "http://" + address + "/" + bucketName + "/kubernetes",
		env:  []string{"AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey, "AWS_EC2_METADATA_DISABLED=true"},
		s3:   client,
	}
}

// await waits until something answers.
func await(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(r)
		if err == nil {
			response.Body.Close()
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("no answer from %s: %v", url, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// startGCS runs a server that speaks as Google Cloud Storage does.
func startGCS(t *testing.T) *server {
	t.Helper()
	address := freeAddress(t)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	var number uint16
	if _, err := fmt.Sscan(port, &number); err != nil {
		t.Fatal(err)
	}
	s, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: host, Port: number, PublicHost: address, ExternalURL: "http://" + address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	s.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: bucketName})
	return &server{
		url:  "gs://" + bucketName + "/kubernetes",
		base: "http://" + address + "/" + bucketName + "/kubernetes",
		env:  []string{"STORAGE_EMULATOR_HOST=" + address},
	}
}
