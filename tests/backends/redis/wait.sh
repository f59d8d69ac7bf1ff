#!/usr/bin/env bash
# Waits until so many nodes of DIR serve: each answers, and those of a cluster that was made say that all slots are served.
#   wait.sh DIR NODES [SECONDS]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# -ge 2 ]] || { sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$1 nodes=$2 deadline=$((SECONDS + ${3:-30}))

is_serving() { # NUMBER
  [[ $(timeout 3 "$here/cli.sh" "$dir" "$1" ping 2>/dev/null) == PONG ]] || return 1
  [[ ! -e $dir/create.log ]] || timeout 3 "$here/cli.sh" "$dir" "$1" cluster info 2>/dev/null | grep -q '^cluster_state:ok'
}

serving() {
  local number count=0
  while read -r number; do ! is_serving "$number" || count=$((count + 1)); done \
    < <(sed -n 's/^PORT_\([0-9]*\)=.*/\1/p' "$dir/cluster.env")
  echo "$count"
}

until [[ $(serving) == "$nodes" ]]; do
  if ((SECONDS > deadline)); then
    echo "not $nodes nodes of $dir serve:" >&2
    tail -n 20 "$dir"/*/log >&2
    exit 1
  fi
  sleep 0.1
done
