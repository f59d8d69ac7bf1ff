#!/usr/bin/env bash
# Works on one process of a cluster that start.sh made: jobmanager, tm1, tm2, …
#   node.sh DIR NAME start     start it (does not wait; `wait.sh DIR TASKMANAGERS` does)
#   node.sh DIR NAME kill      SIGKILL and wait until it is gone: a crash
set -euo pipefail
[[ $# == 3 ]] || { sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$(cd "$1" && pwd) name=$2 verb=$3
node=$dir/$name
[[ -x $node/run ]] || { echo "no $name in $dir" >&2; exit 2; }

# The pid counts only while it is still a process of this folder: pids are reused.
pid() {
  local found
  found=$(cat "$node/pid" 2>/dev/null) || return 1
  tr '\0' ' ' 2>/dev/null <"/proc/$found/cmdline" | grep -qF -- "$dir/" || return 1
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
  *) echo "unknown: $verb" >&2; exit 2 ;;
esac
