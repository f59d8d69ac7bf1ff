#!/usr/bin/env bash
# Starts NODES nodes of one rnacos cluster on 127.0.0.1: a registry that speaks Nacos' v1 API.
#   start.sh NODES [DIR]      NODES 1 to 9; DIR: default a new folder in memory where that has room, else in ${TMPDIR:-/tmp}
# Prints the lines of DIR/cluster.env (ADDRESSES=127.0.0.1:21000,… DIR=… PORT_1=… …) once every node stores and reads.
#   OWNER=PID     the cluster is killed and deleted when that process is gone
#   AUTH=1        users log in: admin, with the password admin-secret
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
nodes=${1:-} dir=${2:-}
[[ $nodes =~ ^[1-9]$ ]] || { sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
bin=$("$here/bin.sh")

# shellcheck source=../ports.sh
. "$here/../ports.sh"
# shellcheck source=../scratch.sh
. "$here/../scratch.sh"
reserve_ports "$nodes"
if [[ -z $dir ]]; then dir=$(mktemp -d "$(scratch_folder $((50 * nodes + 100)))/headgate-nacos.XXXXXX"); fi
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
[[ ! -e $dir/cluster.env ]] || { echo "$dir holds a cluster already; use node.sh DIR NUMBER start" >&2; exit 2; }

port() { echo $((base + 10 * ($1 - 1) + ${2:-0})); }

addresses=''
for ((number = 1; number <= nodes; number++)); do
  node=$dir/$number
  mkdir -p "$node/data"
  addresses+="${addresses:+,}127.0.0.1:$(port "$number")"
  {
    printf 'RNACOS_%s\n' SDK_HOST=127.0.0.1 CONSOLE_HOST=127.0.0.1 HTTP_WORKERS=2 "DATA_DIR=$node/data" \
      "HTTP_PORT=$(port "$number")" "GRPC_PORT=$(port "$number" 1)" "HTTP_CONSOLE_PORT=$(port "$number" 2)" \
      "RAFT_NODE_ID=$number" "RAFT_NODE_ADDR=127.0.0.1:$(port "$number" 1)"
    # The first node founds the cluster, the others ask it to let them in.
    if ((number == 1)); then echo RNACOS_RAFT_AUTO_INIT=true; else echo "RNACOS_RAFT_JOIN_ADDR=127.0.0.1:$(port 1 1)"; fi
    if [[ ${AUTH:-0} == 1 ]]; then
      printf 'RNACOS_%s\n' ENABLE_OPEN_API_AUTH=true INIT_ADMIN_USERNAME=admin INIT_ADMIN_PASSWORD=admin-secret
    fi
  } >"$node/env"
  cat >"$node/run" <<RUN
#!/usr/bin/env bash
cd $(printf %q "$node") && exec $(printf %q "$bin") -e $(printf %q "$node/env")
RUN
  chmod +x "$node/run"
done

{
  echo "ADDRESSES=$addresses"
  echo "DIR=$(printf %q "$dir")"
  for ((number = 1; number <= nodes; number++)); do echo "PORT_$number=$(port "$number")"; done
} >"$dir/cluster.env"

if [[ -n ${OWNER:-} ]]; then
  setsid "$here/../watch.sh" "$OWNER" "$dir" "$here/../stop.sh" "$dir" >/dev/null 2>&1 </dev/null &
fi
# A new node joins through the first, which has to be up.
for ((number = 1; number <= nodes; number++)); do
  "$here/../node.sh" "$dir" "$number" start
  "$here/wait.sh" "$dir" "$number" || { "$here/../stop.sh" "$dir"; exit 1; }
done
cat "$dir/cluster.env"
