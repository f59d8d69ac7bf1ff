#!/usr/bin/env bash
# Waits until so many members of DIR serve: each answers `/health` only after a read that its leader confirmed.
#   wait.sh DIR MEMBERS [SECONDS]
set -euo pipefail
[[ $# -ge 2 ]] || { sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$1 members=$2 deadline=$((SECONDS + ${3:-60}))

is_healthy() { # PORT
  timeout 3 bash -c "exec 3<>/dev/tcp/127.0.0.1/$1; printf 'GET /health HTTP/1.0\r\n\r\n' >&3; cat <&3" 2>/dev/null |
    grep -q '"health":"true"'
}

serving() {
  local port count=0
  while read -r port; do ! is_healthy "$port" || count=$((count + 1)); done \
    < <(sed -n 's/^PORT_[0-9]*=//p' "$dir/cluster.env")
  echo "$count"
}

until [[ $(serving) == "$members" ]]; do
  if ((SECONDS > deadline)); then
    echo "not $members members of $dir serve:" >&2
    tail -n 20 "$dir"/*/log >&2
    exit 1
  fi
  sleep 0.2
done
