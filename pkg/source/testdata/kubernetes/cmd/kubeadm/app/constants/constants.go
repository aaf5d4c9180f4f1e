// Package constants names what a cluster is made of beside Kubernetes.
package constants

const (
	// DefaultEtcdVersion is the tag of the image of etcd.
	DefaultEtcdVersion = "3.6.8-0"
	// CoreDNSVersion is the tag of the image of CoreDNS.
	CoreDNSVersion = "v1.14.2"
	// PauseVersion is the tag of the image that holds the namespaces of a pod.
	PauseVersion = "3.10.2"
)
