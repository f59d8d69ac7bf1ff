#!/usr/bin/env bash
# Waits until so many brokers of DIR answer: `mqadmin clusterList` asks each for its state.
#   wait.sh DIR BROKERS [SECONDS]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# -ge 2 ]] || { sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$1 brokers=$2 deadline=$((SECONDS + ${3:-120}))
until [[ $("$here/mqadmin.sh" "$dir" clusterList 2>/dev/null | grep -cE '^headgate .* V[0-9_]+') == "$brokers" ]]; do
  if ((SECONDS > deadline)); then
    echo "not $brokers brokers of $dir answer:" >&2
    "$here/mqadmin.sh" "$dir" clusterList >&2 || true
    tail -n 20 "$dir"/*/log >&2
    exit 1
  fi
  sleep 0.3
done
