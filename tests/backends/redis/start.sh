#!/usr/bin/env bash
# Starts Redis on 127.0.0.1: a single server, or a cluster of three masters or more with the slots spread evenly.
#   start.sh NODES [DIR]        NODES 1, or 3 to 9; DIR: default a new folder in memory where that has room, else in ${TMPDIR:-/tmp}
# Prints the lines of DIR/cluster.env (ADDRESSES=127.0.0.1:21000,… DIR=… PORT_1=… …) once every node serves.
#   OWNER=PID         the cluster is killed and deleted when that process is gone
#   PASSWORD=…        what clients log in with, as the user `default`
#   FORGETFUL=1       started without a configuration file: what is set is gone with the next start
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
nodes=${1:-} dir=${2:-}
[[ $nodes =~ ^[13456789]$ ]] || { sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
command -v redis-server redis-cli >/dev/null ||
  { echo "no redis-server and redis-cli here: on Debian or Ubuntu, apt-get install redis-server redis-tools" >&2; exit 1; }

# shellcheck source=../ports.sh
. "$here/../ports.sh"
# shellcheck source=../scratch.sh
. "$here/../scratch.sh"
reserve_ports "$nodes"
if [[ -z $dir ]]; then dir=$(mktemp -d "$(scratch_folder $((20 * nodes + 50)))/headgate-redis.XXXXXX"); fi
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
[[ ! -e $dir/cluster.env ]] || { echo "$dir holds a cluster already; use node.sh DIR NUMBER start" >&2; exit 2; }

port() { echo $((base + 10 * ($1 - 1))); }

addresses=''
for ((number = 1; number <= nodes; number++)); do
  node=$dir/$number
  mkdir -p "$node"
  addresses+="${addresses:+,}127.0.0.1:$(port "$number")"
  {
    echo "bind 127.0.0.1"
    echo "port $(port "$number")"
    echo "dir \"$node\""
    # node.sh knows its processes by their words.
    echo 'set-proc-title no'
    echo 'daemonize no'
    echo 'save ""'
    echo 'appendonly no'
    if ((nodes > 1)); then
      echo 'cluster-enabled yes'
      # Without this it is 10,000 above the port: others may have that.
      echo "cluster-port $(($(port "$number") + 1))"
      echo 'cluster-config-file nodes.conf'
      echo 'cluster-node-timeout 2000'
    fi
    if [[ -n ${PASSWORD:-} ]]; then printf 'requirepass "%s"\nmasterauth "%s"\n' "$PASSWORD" "$PASSWORD"; fi
  } >"$node/redis.conf"
  start="$(printf %q "$node/redis.conf")"
  # node.sh knows its processes by their words, here as well.
  if [[ ${FORGETFUL:-0} == 1 ]]; then start="--dir $(printf %q "$node/") - <$start"; fi
  printf '#!/usr/bin/env bash\nexec redis-server %s\n' "$start" >"$node/run"
  chmod +x "$node/run"
done

{
  echo "ADDRESSES=$addresses"
  echo "DIR=$(printf %q "$dir")"
  for ((number = 1; number <= nodes; number++)); do echo "PORT_$number=$(port "$number")"; done
} >"$dir/cluster.env"
if [[ -n ${PASSWORD:-} ]]; then printf %s "$PASSWORD" >"$dir/password"; fi

if [[ -n ${OWNER:-} ]]; then
  setsid "$here/../watch.sh" "$OWNER" "$dir" "$here/../stop.sh" "$dir" >/dev/null 2>&1 </dev/null &
fi
for ((number = 1; number <= nodes; number++)); do "$here/../node.sh" "$dir" "$number" start; done
if [[ -n ${PASSWORD:-} ]]; then export REDISCLI_AUTH=$PASSWORD; fi
join() {
  # shellcheck disable=SC2086
  redis-cli --cluster create ${addresses//,/ } --cluster-replicas 0 --cluster-yes >"$dir/create.log" 2>&1 ||
    { cat "$dir/create.log" >&2; return 1; }
}
serve() {
  "$here/wait.sh" "$dir" "$nodes" && { ((nodes == 1)) || { join && "$here/wait.sh" "$dir" "$nodes"; }; }
}
serve || { "$here/../stop.sh" "$dir"; exit 1; }
cat "$dir/cluster.env"
