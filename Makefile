# `make release` does the whole job, `make test` passes the tests. Both fetch what they need.
#
#   make release VERSION=v1.36.3 PLATFORMS=linux/amd64,linux/arm64 KEY=release.asc FLAGS='--quiet'

VERSION   ?= v1.36.3
PLATFORMS ?=
KEY       ?=
FLAGS     ?=
FUZZTIME  ?= 1m
# --quick for fewer rounds.
TRIALFLAGS ?=

GO := go
# The same program whoever builds it, wherever. The tag leaves out of Google's storage library what reaches a bucket by
# gRPC, which is not used: 13 MB of program, 9 MB of memory in every run.
TAGS  := disable_grpc_modules
BUILD := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -tags=$(TAGS) -ldflags='-s -w'

.PHONY: release
release: kubedist ## make and publish a whole release of Kubernetes
	@scripts/estimate $(VERSION) $(PLATFORMS)
	./kubedist release $(VERSION) $(if $(PLATFORMS),--platform $(PLATFORMS)) $(if $(KEY),--key $(KEY)) $(FLAGS)

.PHONY: kubedist
kubedist: ## compile kubedist itself
	$(BUILD) -o kubedist ./cmd/kubedist

.PHONY: test
test: kubedist ## run all tests: the program's, and as root on Debian those with real apt
	$(GO) vet ./...
	$(GO) test -race -timeout 30m ./...
	KUBEDIST=$(CURDIR)/kubedist scripts/test-apt
	KUBEDIST=$(CURDIR)/kubedist scripts/test-places
	KUBEDIST=$(CURDIR)/kubedist scripts/test-rotation

.PHONY: architectures
architectures: kubedist ## install and run what was released on every architecture, under qemu (as root on Debian)
	KUBEDIST=$(CURDIR)/kubedist scripts/test-architectures --version $(VERSION) $(TRIALFLAGS)

.PHONY: buckets
buckets: kubedist ## push archives to real object stores on loopback
	KUBEDIST=$(CURDIR)/kubedist scripts/test-bucket

.PHONY: cluster
cluster: kubedist ## make a cluster on this machine from what was released, use it, take it down (as root on Debian)
	./kubedist image build $(VERSION) --image metrics-server --platform linux/$(shell $(GO) env GOARCH) --out out/on-request
	KUBEDIST=$(CURDIR)/kubedist scripts/e2e-cluster --version $(VERSION) --release out/$(VERSION) --release out/on-request/$(VERSION) $(TRIALFLAGS)

.PHONY: registry
registry: kubedist ## push images and manifest lists to a real registry on loopback (as root on Debian)
	KUBEDIST=$(CURDIR)/kubedist scripts/test-registry

.PHONY: bases
bases: kubedist ## make the bases of images twice, and run what is in them on every architecture (as root on Debian)
	KUBEDIST=$(CURDIR)/kubedist scripts/test-bases

.PHONY: reproduce
reproduce: kubedist ## make a release twice, in different surroundings, and compare
	scripts/reproduce $(VERSION) $(PLATFORMS)

.PHONY: trials
trials: kubedist ## race, kill, fill the disk of, and read an archive with all that reads archives (as root on Debian)
	@for trial in clients two-writers disk race kill; do echo "== $$trial"; KUBEDIST=$(CURDIR)/kubedist scripts/$$trial $(TRIALFLAGS) || exit 1; done

.PHONY: official
official: kubedist ## make all published programs again that specs/releases knows, and compare
	KUBEDIST=$(CURDIR)/kubedist scripts/test-official

.PHONY: bench
bench: kubedist ## measure an archive beside those of aptly, reprepro and apt-ftparchive (as root on Debian)
	KUBEDIST=$(CURDIR)/kubedist scripts/bench/archive $(TRIALFLAGS)

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME
	scripts/fuzz $(FUZZTIME)

.PHONY: lint
lint: ## check the style of the code
	golangci-lint run

.PHONY: generate
generate: kubedist ## write the generated documentation
	./kubedist docs schema > specs/schema.json
	./kubedist docs commands > cmd/kubedist/COMMANDS.md

.PHONY: help
help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/\1\t\2/'
