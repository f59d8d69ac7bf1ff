#!/usr/bin/env bash
# Waits until that node of DIR serves: it answers for a configuration that it was asked to keep, or asks who we are.
#   wait.sh DIR NUMBER [SECONDS]
set -euo pipefail
[[ $# -ge 2 ]] || { sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$1 number=$2 deadline=$((SECONDS + ${3:-60}))
port=$(sed -n "s/^PORT_$number=//p" "$dir/cluster.env")
configs=http://127.0.0.1:$port/nacos/v1/cs/configs

serves() {
  local kept="dataId=ready-$number&group=headgate" answer
  # With users on, a refusal says that it is up.
  answer=$(curl -s -m 5 "$configs" -d "$kept&content=yes" 2>/dev/null) || return 1
  [[ $answer == true && $(curl -s -m 5 "$configs?$kept" 2>/dev/null) == yes || $answer == *unknown\ user* ]]
}

until serves; do
  if ((SECONDS > deadline)); then
    echo "node $number of $dir does not serve:" >&2
    tail -n 20 "$dir/$number/log" >&2
    exit 1
  fi
  sleep 0.2
done
# What only asked whether it is up is not left behind.
curl -s -m 5 -X DELETE "$configs?dataId=ready-$number&group=headgate" >/dev/null || true
