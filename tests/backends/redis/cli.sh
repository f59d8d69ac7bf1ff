#!/usr/bin/env bash
# redis-cli on one node of a cluster that start.sh made, past Headgate.
#   cli.sh DIR NUMBER COMMAND…
set -euo pipefail
[[ $# -ge 3 ]] || { sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$1 number=$2
port=$(sed -n "s/^PORT_$number=//p" "$dir/cluster.env")
if [[ -e $dir/password ]]; then REDISCLI_AUTH=$(<"$dir/password") && export REDISCLI_AUTH; fi
# -e: what Redis refuses ends with 1.
exec redis-cli -e -h 127.0.0.1 -p "$port" "${@:3}"
