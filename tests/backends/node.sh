#!/usr/bin/env bash
# Works on one process of a cluster that a start.sh made (RocketMQ, ZooKeeper, etcd, Nacos, Flink, Redis): NAME is its folder in DIR.
#   node.sh DIR NAME start     start it (does not wait; the wait.sh beside the start.sh does)
#   node.sh DIR NAME kill      SIGKILL and wait until it is gone: a crash
#   node.sh DIR NAME pause     SIGSTOP: it hangs, its ports still accept
#   node.sh DIR NAME resume    SIGCONT
set -euo pipefail
[[ $# == 3 ]] || { sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$(cd "$1" && pwd) name=$2 verb=$3
node=$dir/$name
[[ -x $node/run ]] || { echo "no $name in $dir" >&2; exit 2; }

# The pid counts only while it is still a process of this folder: pids are reused.
pid() {
  local found
  found=$(cat "$node/pid" 2>/dev/null) || return 1
  tr '\0' ' ' 2>/dev/null <"/proc/$found/cmdline" | grep -qF -- "$node/" || return 1
  echo "$found"
}

case $verb in
  start)
    if running=$(pid); then echo "$name runs already as $running" >&2; exit 0; fi
    setsid "$node/run" >>"$node/log" 2>&1 </dev/null &
    echo $! >"$node/pid"
    ;;
  kill)
    running=$(pid) || exit 0
    kill -KILL "$running"
    while kill -0 "$running" 2>/dev/null; do sleep 0.05; done
    rm -f "$node/pid"
    ;;
  pause) kill -STOP "$(pid)" ;;
  resume) kill -CONT "$(pid)" ;;
  *) echo "unknown: $verb" >&2; exit 2 ;;
esac
