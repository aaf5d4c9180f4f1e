# shellcheck shell=bash disable=SC2154 # variables are the script's
# What runs on a host below Kubernetes: containerd with Debian's runc, told where the images are; and kubelet, as its
# package says.

# runtime_configure HOST writes containerd's configuration.
runtime_configure() {
	host_write "$1" /etc/containerd/config.toml <<-TOML
		version = 2
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "$registry/$pause"
		  # Machines without CAP_SYS_RESOURCE cannot lower oom_score_adj; the score of containers stays at containerd's own.
		  restrict_oom_score_adj = $(capable 24 && echo false || echo true)
		  [plugins."io.containerd.grpc.v1.cri".containerd]
		    snapshotter = "overlayfs"
		    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
		      runtime_type = "io.containerd.runc.v2"
		      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
		        # There is no systemd to ask for groups.
		        SystemdCgroup = false
		  [plugins."io.containerd.grpc.v1.cri".registry]
		    config_path = "/etc/containerd/certs.d"
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "/opt/cni/bin"
		    conf_dir = "/etc/cni/net.d"
	TOML
	# The registry on the bridge speaks plain HTTP.
	host_write "$1" "/etc/containerd/certs.d/$registry/hosts.toml" <<-TOML
		server = "http://$registry"
		[host."http://$registry"]
		  capabilities = ["pull", "resolve"]
	TOML
	host_write "$1" /etc/crictl.yaml <<<'runtime-endpoint: unix:///run/containerd/containerd.sock'
}

# capable NUMBER says whether this process has the capability of that number (capability.h).
capable() {
	local effective
	effective=$(sed -n 's/^CapEff:\s*//p' /proc/self/status)
	(((0x$effective >> $1) & 1))
}

# runtime_start HOST starts containerd and waits until it answers.
runtime_start() {
	unit_start "$1" containerd
	wait_for 300 "containerd on $1" on "$1" crictl version
}

# unit_start HOST UNIT runs a unit of a package; its log is /var/log/UNIT.log there.
unit_start() {
	on "$1" rm -f "/run/$2.stop"
	host_write "$1" /usr/local/sbin/run-unit <"$libdir/cluster/run-unit"
	on "$1" chmod 755 /usr/local/sbin/run-unit
	host_daemon "$1" "/var/log/$2.log" run-unit "$2"
}

# unit_stop HOST UNIT ends it and waits for that.
unit_stop() {
	# shellcheck disable=SC2016 # the shell there expands it
	on "$1" sh -c '
		touch "/run/$1.stop"
		pid=$(cat "/run/$1.pid")
		kill "$pid" 2>/dev/null
		i=0
		while kill -0 "$pid" 2>/dev/null && [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done
		! kill -0 "$pid" 2>/dev/null' sh "$2" || die "$2 on $1 does not end"
}

# wait_for SECONDS WHAT COMMAND... tries a command twice a second until it succeeds.
wait_for() {
	local seconds=$1 what=$2 output end=$((SECONDS + $1))
	shift 2
	until output=$("$@" 2>&1); do
		((SECONDS < end)) || die "$what: not after $seconds s: $output"
		sleep 0.5
	done
}
