package main

import (
	"github.com/spf13/cobra"

	"kubedist/pkg/release"
)

func newImageBuildCommand(env *environment) *cobra.Command {
	return newStepCommand(env, release.Images, &cobra.Command{
		Use:   "build VERSION",
		Short: "Compile and make the container images of a release, and stop there",
		Long: `Makes the container images of a release, one for each platform and an index over them, without a container engine: in
OUT/VERSION/images an OCI image layout of all, in OUT/VERSION/image-tars one tar for each image and platform, which
docker, podman, containerd and skopeo load. What an earlier run finished is not done again.

Afterwards kubeadm of the release is asked which images it will pull: one that is missing is an error. With --image nothing
is asked, and images can be made that a release does not hold, such as metrics-server.

A base that is in a registry is asked for as kubedist image base fetch does it, with the same credentials.

Push them with kubedist image push OUT/VERSION --registry REGISTRY.`,
		Example: `  kubedist image build v1.36.3
  kubedist image build v1.36.3 --image kube-proxy,pause --platform linux/arm64`,
	})
}
