// Package bucket tests kubedist repo push against real servers on loopback: versitygw, an S3 gateway over a directory,
// and fake-gcs-server. It compiles kubedist, or takes the one that $KUBEDIST names, and runs it as users do.
package bucket
