#!/usr/bin/env bash
# Starts a Flink session cluster on 127.0.0.1: a job manager, and so many task managers of four slots.
#   start.sh TASKMANAGERS [DIR]      TASKMANAGERS 1 to 9; DIR: default a new folder in memory where that has room, else in ${TMPDIR:-/tmp}
# Prints the lines of DIR/cluster.env (ADDRESS=127.0.0.1:21000 DIR=…) once all of them are registered.
#   OWNER=PID     the cluster is killed and deleted when that process is gone
# Checkpoints are in DIR/checkpoints, savepoints in DIR/savepoints.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
taskmanagers=${1:-} dir=${2:-}
[[ $taskmanagers =~ ^[1-9]$ ]] || { sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
"$here/jars.sh" >/dev/null

# shellcheck source=../ports.sh
. "$here/../ports.sh"
# shellcheck source=../scratch.sh
. "$here/../scratch.sh"
reserve_ports 1
if [[ -z $dir ]]; then dir=$(mktemp -d "$(scratch_folder 500)/headgate-flink.XXXXXX"); fi
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
[[ ! -e $dir/cluster.env ]] || { echo "$dir holds a cluster already" >&2; exit 2; }
mkdir -p "$dir"/{conf,checkpoints,savepoints,uploads,tmp}

cat >"$dir/conf/config.yaml" <<YAML
jobmanager.rpc.address: 127.0.0.1
jobmanager.rpc.port: $((base + 1))
jobmanager.bind-host: 127.0.0.1
blob.server.port: $((base + 2))
rest.address: 127.0.0.1
rest.bind-address: 127.0.0.1
rest.port: $base
web.upload.dir: $dir/uploads
execution.checkpointing.dir: file://$dir/checkpoints
execution.checkpointing.savepoint-dir: file://$dir/savepoints
heartbeat.interval: 500
heartbeat.timeout: 5000
taskmanager.host: 127.0.0.1
taskmanager.bind-host: 127.0.0.1
taskmanager.numberOfTaskSlots: 4
io.tmp.dirs: $dir/tmp
YAML
printf '%s\n' 'rootLogger.level = INFO' 'rootLogger.appenderRef.out.ref = Out' 'appender.out.name = Out' \
  'appender.out.type = CONSOLE' 'appender.out.layout.type = PatternLayout' \
  'appender.out.layout.pattern = %d{HH:mm:ss,SSS} %-5p %c{1} - %m%n' >"$dir/conf/log4j.properties"

program() { # NAME MAIN ARGS…
  mkdir -p "$dir/$1"
  { echo '#!/usr/bin/env bash'; printf 'exec'; printf ' %q' "$here/java.sh" "$dir" "$@"; echo; } >"$dir/$1/run"
  chmod +x "$dir/$1/run"
}
program jobmanager org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint \
  --configDir "$dir/conf" --executionMode cluster
for ((number = 1; number <= taskmanagers; number++)); do
  # Flink's shell scripts work these sizes out; without them a task manager refuses to start.
  program "tm$number" org.apache.flink.runtime.taskexecutor.TaskManagerRunner --configDir "$dir/conf" \
    -D "taskmanager.resource-id=tm$number" -D taskmanager.cpu.cores=1 \
    -D taskmanager.memory.framework.heap.size=128mb -D taskmanager.memory.framework.off-heap.size=128mb \
    -D taskmanager.memory.task.heap.size=256mb -D taskmanager.memory.task.off-heap.size=0b \
    -D taskmanager.memory.network.min=64mb -D taskmanager.memory.network.max=64mb \
    -D taskmanager.memory.managed.size=64mb -D taskmanager.memory.jvm-metaspace.size=256mb \
    -D taskmanager.memory.jvm-overhead.min=64mb -D taskmanager.memory.jvm-overhead.max=64mb
done
printf '%s\n' "ADDRESS=127.0.0.1:$base" "DIR=$(printf %q "$dir")" >"$dir/cluster.env"

if [[ -n ${OWNER:-} ]]; then
  setsid "$here/../watch.sh" "$OWNER" "$dir" "$here/../stop.sh" "$dir" >/dev/null 2>&1 </dev/null &
fi
"$here/../node.sh" "$dir" jobmanager start
for ((number = 1; number <= taskmanagers; number++)); do "$here/../node.sh" "$dir" "tm$number" start; done
"$here/wait.sh" "$dir" "$taskmanagers" || { "$here/../stop.sh" "$dir"; exit 1; }
cat "$dir/cluster.env"
