#!/usr/bin/env bash
# Stops what start.sh started in DIR; the data stays. `stop.sh DIR --remove` deletes DIR too.
# SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait until every client has left.
set -euo pipefail
[[ $# -ge 1 ]] || { sed -n '2s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$(cd "$1" && pwd)

# The pid counts only while it is still a server of this folder: pids are reused.
running() {
  local found
  found=$(head -n 1 "$dir/data/postmaster.pid" 2>/dev/null) || return 1
  tr '\0' ' ' 2>/dev/null <"/proc/$found/cmdline" | grep -qF -- "-D $dir/data" || return 1
  echo "$found"
}

if pid=$(running); then
  kill -INT "$pid"
  for ((try = 0; try < 100; try++)); do running >/dev/null || break; sleep 0.1; done
  if running >/dev/null; then kill -KILL "$pid"; fi
fi
if [[ ${2:-} == --remove ]]; then rm -rf "$dir"; fi
