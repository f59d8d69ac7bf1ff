#!/usr/bin/env bash
# Waits until so many servers of DIR serve: only then `srvr` names a mode.
#   wait.sh DIR SERVERS [SECONDS]
set -euo pipefail
[[ $# -ge 2 ]] || { sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$1 servers=$2 deadline=$((SECONDS + ${3:-60}))

mode() { # PORT
  timeout 2 bash -c "exec 3<>/dev/tcp/127.0.0.1/$1; printf srvr >&3; cat <&3" 2>/dev/null | sed -n 's/^Mode: //p'
}

serving() {
  local port count=0
  while read -r port; do [[ -z $(mode "$port") ]] || count=$((count + 1)); done \
    < <(sed -n 's/^PORT_[0-9]*=//p' "$dir/cluster.env")
  echo "$count"
}

until [[ $(serving) == "$servers" ]]; do
  if ((SECONDS > deadline)); then
    echo "not $servers servers of $dir serve:" >&2
    tail -n 20 "$dir"/*/log >&2
    exit 1
  fi
  sleep 0.2
done
