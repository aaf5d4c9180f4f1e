# shellcheck shell=bash disable=SC2154 # variables are the script's
# What the cluster is used for: a deployment that is asked through its Service, and an autoscaler that watches it.

# workload_image PLATFORM... compiles the workload for platforms (linux/arm64), makes one image list of them and pushes
# that.
workload_image() {
	local platform arch variant pairs=()
	for platform in "$@"; do
		IFS=/ read -r _ arch variant <<<"$platform"
		CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOARM=${variant#v} go build -trimpath -ldflags='-s -w' -o "$work/web-$arch$variant" ./scripts/e2e/web
		pairs+=("$platform=$work/web-$arch$variant")
	done
	go run ./scripts/e2e/image -layout "$work/web-layout" -name example.org/e2e/web:v1 "${pairs[@]}"
	registry_push "$work/web-layout"
}

# workload_start deploys two replicas on two nodes.
workload_start() {
	local nodes
	fill web.yaml IMAGE="$registry/e2e/web:v1" | host_write node1 /tmp/web.yaml
	kube apply --filename /tmp/web.yaml
	kube rollout status deployment/web --timeout=120s
	kube get pods --selector app=web -o wide
	nodes=$(kube get pods --selector app=web -o 'jsonpath={range .items[*]}{.spec.nodeName}{"\n"}{end}' | sort -u | wc -l)
	((nodes == 2)) || die "the replicas are on $nodes node"
}

# workload_answers URL [HOST...] asks from nodes, all without one, until both replicas have answered.
workload_answers() {
	local host url=$1 hosts=("${@:2}")
	((${#hosts[@]})) || mapfile -t hosts < <(hosts_names)
	for host in "${hosts[@]}"; do
		workload_client "$host"
		both_answer on "$host" web get -dns "$(dns_address)" "$url"
	done
}

# workload_client HOST puts the client there.
workload_client() {
	local arch variant
	IFS=/ read -r _ arch variant < <(platform_field "$(on "$1" dpkg --print-architecture)" platform)
	host_write "$1" /usr/local/bin/web <"$work/web-$arch$variant"
	on "$1" chmod 755 /usr/local/bin/web
}

# workload_answers_pods URL asks from every replica, with the name server that kubelet gave it.
workload_answers_pods() {
	local pod
	for pod in $(kube get pods --selector app=web -o name); do
		both_answer kube exec "$pod" -- /web get "$1"
	done
}

# both_answer COMMAND... runs a client until two different replicas have answered; 40 answers of one alone are no chance.
both_answer() {
	local i output
	local -A seen=()
	for ((i = 0; i < 40; i++)); do
		output=$("$@" 2>&1) || die "$*: $output"
		[[ ${seen[$output]-} ]] || echo "$output"
		seen[$output]=1
		((${#seen[@]} < 2)) || return 0
	done
	die "$*: one replica alone answers: ${!seen[*]}"
}

service_address() { kube get service web -o 'jsonpath={.spec.clusterIP}'; }
dns_address() { kube --namespace kube-system get service kube-dns -o 'jsonpath={.spec.clusterIP}'; }

# metrics_start deploys metrics-server and waits until it knows what nodes and pods use.
metrics_start() {
	fill metrics-server.yaml IMAGE="$registry/$metrics_server" ARCH="$(dpkg --print-architecture)" | host_write node1 /tmp/metrics-server.yaml
	kube apply --filename /tmp/metrics-server.yaml
	kube --namespace kube-system rollout status deployment/metrics-server --timeout=180s
	kube wait --for=condition=Available apiservice/v1beta1.metrics.k8s.io --timeout=120s
	wait_for 120 'what the nodes use' metrics_complete
	kube top nodes
	wait_for 120 'what the pods use' kube top pods --selector app=web
	kube top pods --selector app=web
}

# metrics_complete: there is a number for every node.
metrics_complete() {
	local host output
	output=$(kube top nodes --no-headers)
	for host in $(hosts_names); do grep -q "^$host .*%" <<<"$output" || return 1; done
}

# autoscale_up makes both replicas busy and waits for more of them to be ready.
autoscale_up() {
	host_write node1 /tmp/hpa.yaml <"$e2edir/hpa.yaml"
	kube apply --filename /tmp/hpa.yaml
	wait_for 120 'the autoscaler knows no numbers' autoscale_sees
	burn 120s
	wait_for 120 'no more replicas though all are busy' replicas_ready 4
	kube get hpa web
	kube get pods --selector app=web -o wide
}

# burn DURATION keeps all replicas busy for so long from now.
burn() {
	local address
	for address in $(kube get pods --selector app=web -o 'jsonpath={.items[*].status.podIP}'); do
		on node1 web get "http://$address:8080/burn?for=$1"
	done
}

# autoscale_sees: the autoscaler has read metrics.
autoscale_sees() { [[ $(kube get hpa web -o 'jsonpath={.status.currentMetrics[0].resource.current.averageUtilization}') ]]; }

# autoscale_down lets them rest and waits until there are two again.
autoscale_down() {
	burn 0s
	wait_for 300 'as many replicas though none is busy' replicas_ready 2
	kube get hpa web
	kube describe hpa web | sed -n '/^Events/,$p'
}

# replicas_ready COUNT: so many are wanted, and so many are ready.
replicas_ready() {
	local numbers
	numbers=$(kube get deployment web -o 'jsonpath={.spec.replicas} {.status.replicas} {.status.readyReplicas}')
	[[ $numbers == "$1 $1 $1" ]] || { echo "wanted, there, ready: $numbers" && return 1; }
}
