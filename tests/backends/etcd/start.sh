#!/usr/bin/env bash
# Starts MEMBERS members of one etcd cluster on 127.0.0.1.
#   start.sh MEMBERS [DIR]      MEMBERS 1 to 9; DIR: default a new folder in memory where that has room, else in ${TMPDIR:-/tmp}
# Prints the lines of DIR/cluster.env (ENDPOINTS=127.0.0.1:21000,… DIR=… PORT_1=… …) once every member serves.
#   OWNER=PID     the cluster is killed and deleted when that process is gone
#   ETCD_FLAGS="--quota-backend-bytes=…"   more flags for each member
#   HEADGATE_ETCD_VERSION, HEADGATE_ETCD_BIN   another release
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
members=${1:-} dir=${2:-}
[[ $members =~ ^[1-9]$ ]] || { sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
bin=$("$here/bin.sh")

# shellcheck source=../ports.sh
. "$here/../ports.sh"
# shellcheck source=../scratch.sh
. "$here/../scratch.sh"
reserve_ports "$members"
# The log of a member takes 128 MB before its first entry.
if [[ -z $dir ]]; then dir=$(mktemp -d "$(scratch_folder $((200 * members + 500)))/headgate-etcd.XXXXXX"); fi
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
[[ ! -e $dir/cluster.env ]] || { echo "$dir holds a cluster already; use node.sh DIR NUMBER start" >&2; exit 2; }

port() { echo $((base + 10 * ($1 - 1))); }
client() { echo "http://127.0.0.1:$(port "$1")"; }
peer() { echo "http://127.0.0.1:$(($(port "$1") + 1))"; }

cluster='' endpoints=''
for ((number = 1; number <= members; number++)); do
  cluster+="${cluster:+,}n$number=$(peer "$number")"
  endpoints+="${endpoints:+,}127.0.0.1:$(port "$number")"
done
for ((number = 1; number <= members; number++)); do
  node=$dir/$number
  mkdir -p "$node"
  # An existing folder of data makes the flags about the beginning count for nothing.
  cat >"$node/run" <<RUN
#!/usr/bin/env bash
exec $(printf %q "$bin/etcd") --name n$number --data-dir $(printf %q "$node/data") \\
  --logger zap --log-outputs stderr --log-level warn \\
  --listen-client-urls $(client "$number") --advertise-client-urls $(client "$number") \\
  --listen-peer-urls $(peer "$number") --initial-advertise-peer-urls $(peer "$number") \\
  --initial-cluster $cluster --initial-cluster-state new --initial-cluster-token headgate-$base ${ETCD_FLAGS:-}
RUN
  chmod +x "$node/run"
done

{
  echo "ENDPOINTS=$endpoints"
  echo "DIR=$(printf %q "$dir")"
  for ((number = 1; number <= members; number++)); do echo "PORT_$number=$(port "$number")"; done
} >"$dir/cluster.env"

if [[ -n ${OWNER:-} ]]; then
  setsid "$here/../watch.sh" "$OWNER" "$dir" "$here/../stop.sh" "$dir" >/dev/null 2>&1 </dev/null &
fi
for ((number = 1; number <= members; number++)); do "$here/../node.sh" "$dir" "$number" start; done
"$here/wait.sh" "$dir" "$members" || { "$here/../stop.sh" "$dir"; exit 1; }
cat "$dir/cluster.env"
