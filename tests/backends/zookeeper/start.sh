#!/usr/bin/env bash
# Starts SERVERS servers of one ZooKeeper ensemble on 127.0.0.1; one alone runs standalone.
#   start.sh SERVERS [DIR]      SERVERS 1 to 9; DIR: default a new folder in memory where that has room, else in ${TMPDIR:-/tmp}
# Prints the lines of DIR/cluster.env (SERVERS=127.0.0.1:21000,… DIR=… PORT_1=… …) once every server serves.
#   OWNER=PID     the ensemble is killed and deleted when that process is gone
#   ZOOKEEPER_CONFIG="key=value …"   more lines for each server's configuration
#   HEADGATE_ZOOKEEPER_VERSION       another release
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
servers=${1:-} dir=${2:-}
[[ $servers =~ ^[1-9]$ ]] || { sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
lib=$("$here/jars.sh")

# shellcheck source=../ports.sh
. "$here/../ports.sh"
# shellcheck source=../scratch.sh
. "$here/../scratch.sh"
reserve_ports "$servers"
if [[ -z $dir ]]; then dir=$(mktemp -d "$(scratch_folder 1000)/headgate-zookeeper.XXXXXX"); fi
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
[[ ! -e $dir/cluster.env ]] || { echo "$dir holds an ensemble already; use node.sh DIR NUMBER start" >&2; exit 2; }

port() { echo $((base + 10 * ($1 - 1))); }

membership() {
  local number
  if ((servers == 1)); then printf 'clientPortAddress=127.0.0.1\nclientPort=%s\n' "$(port 1)"; return; fi
  for ((number = 1; number <= servers; number++)); do
    echo "server.$number=127.0.0.1:$(($(port "$number") + 1)):$(($(port "$number") + 2));127.0.0.1:$(port "$number")"
  done
}

connect=''
for ((number = 1; number <= servers; number++)); do
  node=$dir/$number
  mkdir -p "$node/data"
  echo "$number" >"$node/data/myid"
  # Short ticks: a dead leader is followed by another within seconds. Preallocated logs would fill the memory.
  {
    printf '%s\n' "dataDir=$node/data" tickTime=500 initLimit=20 syncLimit=10 maxClientCnxns=0 \
      admin.enableServer=false preAllocSize=64
    # shellcheck disable=SC2086 # a list of lines
    printf '%s\n' ${ZOOKEEPER_CONFIG:-}
    membership
  } >"$node/zoo.cfg"
  cat >"$node/run" <<RUN
#!/usr/bin/env bash
exec java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \\
  -cp $(printf %q "$lib")/'*' org.apache.zookeeper.server.quorum.QuorumPeerMain $(printf %q "$node/zoo.cfg")
RUN
  chmod +x "$node/run"
  connect+="${connect:+,}127.0.0.1:$(port "$number")"
done

{
  echo "SERVERS=$connect"
  echo "DIR=$(printf %q "$dir")"
  for ((number = 1; number <= servers; number++)); do echo "PORT_$number=$(port "$number")"; done
} >"$dir/cluster.env"

if [[ -n ${OWNER:-} ]]; then
  setsid "$here/../watch.sh" "$OWNER" "$dir" "$here/../stop.sh" "$dir" >/dev/null 2>&1 </dev/null &
fi
for ((number = 1; number <= servers; number++)); do "$here/../node.sh" "$dir" "$number" start; done
"$here/wait.sh" "$dir" "$servers" || { "$here/../stop.sh" "$dir"; exit 1; }
cat "$dir/cluster.env"
