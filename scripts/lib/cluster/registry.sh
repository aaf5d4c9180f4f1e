# shellcheck shell=bash disable=SC2154 # variables are the script's
# The registry: Debian's, in the switch, so that hosts reach it and nothing else does.

# registry_start starts it at $registry. It keeps what it has below the switch's /var/lib.
registry_start() {
	host_write switch /etc/docker/registry/e2e.yml <<-YAML
		version: 0.1
		storage: {filesystem: {rootdirectory: /var/lib/e2e-registry}, delete: {enabled: true}}
		http: {addr: $registry}
		log: {level: warn}
	YAML
	host_daemon switch /var/log/registry.log docker-registry serve /etc/docker/registry/e2e.yml
	wait_for 60 'the registry' on switch bash -c "exec 3<>/dev/tcp/${registry/://}"
}

# registry_push LAYOUT... pushes every image of OCI layouts, with the images of all platforms, to $registry.
registry_push() {
	local layout
	for layout in "$@"; do
		plug switch "$kubedist" image push "$layout" --registry "$registry" --plain-http
	done
}

# layout_references LAYOUT... prints the references of their images, one a line.
layout_references() {
	grep -ho '"org\.opencontainers\.image\.ref\.name": *"[^"]*"' "${@/%//index.json}" | sed 's/.*"\([^"]*\)"$/\1/' | sort -u
}

# layout_tag NAME LAYOUT... prints PATH:TAG of the image whose path ends with the name.
layout_tag() {
	local reference name
	for reference in $(layout_references "${@:2}"); do
		reference=${reference#*/} name=${reference##*/}
		[[ ${name%:*} != "$1" ]] || { echo "$reference" && return; }
	done
	die "e2e-cluster: the images of ${*:2} do not include $1"
}
