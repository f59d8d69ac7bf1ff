#!/usr/bin/env bash
# Waits until so many task managers are registered at the job manager of DIR.
#   wait.sh DIR TASKMANAGERS [SECONDS]
set -euo pipefail
[[ $# -ge 2 ]] || { sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$1 taskmanagers=$2 deadline=$((SECONDS + ${3:-120}))
address=$(sed -n 's/^ADDRESS=//p' "$dir/cluster.env")

until [[ $(curl -sf -m 5 "http://$address/overview" 2>/dev/null) == *"\"taskmanagers\":$taskmanagers,"* ]]; do
  if ((SECONDS > deadline)); then
    echo "not $taskmanagers task managers of $dir are registered:" >&2
    tail -n 20 "$dir"/*/log >&2
    exit 1
  fi
  sleep 0.2
done
