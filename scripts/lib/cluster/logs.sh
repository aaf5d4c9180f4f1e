# shellcheck shell=bash disable=SC2154 # variables are the script's
# What explains a failure.

# logs_show prints, for each host, the end of kubelet's and containerd's logs, and of the logs of containers that ended or
# start again and again; then what the cluster knows.
logs_show() {
	local host
	if [[ -e $work/hosts/node1/upper/etc/kubernetes/admin.conf ]]; then
		say '== nodes, pods, events'
		kube get nodes -o wide --request-timeout=10s >&2 || :
		kube get pods --all-namespaces -o wide --request-timeout=10s >&2 || :
		kube get events --all-namespaces --sort-by=.lastTimestamp --request-timeout=10s 2>/dev/null | tail -n 25 >&2 || :
	fi
	for host in $(hosts_names); do
		logs_file "$host" kubelet
		logs_file "$host" containerd
		say "== $host: crictl ps --all"
		on "$host" crictl ps --all >&2 || :
		logs_containers "$host"
	done
	say "== registry and archive"
	tail -n 5 "$work/hosts/switch/upper/var/log/registry.log" "$work/serve.log" >&2 2>/dev/null || :
}

# logs_file HOST UNIT prints the end of a unit's log: errors, and what came last.
logs_file() {
	local log=$work/hosts/$1/upper/var/log/$2.log
	[[ -e $log ]] || return 0
	say "== $1: $2, errors"
	grep -E '^E[0-9]{4}|level=(error|fatal)|run-unit' "$log" | tail -n 15 | cut -c1-400 >&2 || :
	say "== $1: $2, last"
	tail -n 5 "$log" | cut -c1-400 >&2
}

# logs_containers HOST prints the ends of logs of containers that are not running, or were started more than once.
logs_containers() {
	local id name
	while read -r id name; do
		say "== $1: crictl logs of $name"
		on "$1" crictl logs --tail 15 "$id" 2>&1 | cut -c1-400 >&2 || :
	done < <(on "$1" crictl ps --all --output json 2>/dev/null | tr -d ' \n' |
		grep -o '"id":"[0-9a-f]*"\|"name":"[^"]*","attempt":\|"attempt":[0-9]*\|"name":"[^"]*"\|"state":"[A-Z_]*"' |
		awk -F'"' '$2 == "id" { id = $4 } $2 == "name" && !n { name = $4 } $2 == "state" && $4 != "CONTAINER_RUNNING" { print id, name }' | tail -n 8)
}
