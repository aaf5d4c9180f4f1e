package apt

import (
	"fmt"
	"path"
	"strings"
)

// KeyringFile is the keyring at the root of an archive, in binary form. An armored twin that ends in .asc lies beside it.
const KeyringFile = "kubernetes-archive-keyring.gpg"

// The names at the root of an archive. Everything else that begins with a dot is no part of it.
const (
	distsDir = "dists"
	poolDir  = "pool"
	// projectDir holds the trace files that mirrors read, snapshotsDir the indices of earlier states.
	projectDir   = "project"
	snapshotsDir = "snapshots"
	// workDir holds the lock and files in the making; neither clients nor mirrors need it.
	workDir  = ".kubedist"
	lockFile = workDir + "/lock"
	tempDir  = workDir + "/tmp"

	keyringBinary  = KeyringFile
	keyringArmored = "kubernetes-archive-keyring.asc"
	sourcesFile    = "kubernetes.sources"

	// keyringPackage is the package that carries the keyring, and the name without a version under which its newest one
	// lies at the root.
	keyringPackage = "kubernetes-archive-keyring"
	keyringDeb     = keyringPackage + ".deb"
	// keyringDir is where packages have keyrings on the machine of a user.
	keyringDir = "/usr/share/keyrings"
)

// poolPath is where a package's file lies: pool/main/k/kubeadm/kubeadm_1.36.3-1.1_amd64.deb. Names that begin with lib
// are spread by four letters, as Debian does.
func poolPath(component, name, file string) string {
	prefix := name[:1]
	if strings.HasPrefix(name, "lib") && len(name) > 3 {
		prefix = name[:4]
	}
	return path.Join(poolDir, component, prefix, name, file)
}

// checkPoolPath refuses a path that is not plainly below pool/.
func checkPoolPath(name string) error {
	if !strings.HasPrefix(name, poolDir+"/") || path.Clean(name) != name || strings.ContainsAny(name, "\x00\\") {
		return fmt.Errorf("path %q leaves the pool", name)
	}
	return nil
}

// suiteDir is a suite's directory.
func suiteDir(suite string) string { return path.Join(distsDir, suite) }

// indexDir is the directory of one Packages index within its suite.
func indexDir(component, arch string) string { return path.Join(component, "binary-"+arch) }

// byHash is where the contents of a listed file stay while its canonical name moves on.
func byHash(file, sha256 string) string {
	return path.Join(path.Dir(file), "by-hash", "SHA256", sha256)
}
