#!/usr/bin/env bash
# One request to a node of a cluster that start.sh made, past Headgate; prints the answer.
#   cli.sh DIR NUMBER METHOD PATH [FORM]     PATH below /nacos/v1, with its query
set -euo pipefail
[[ $# -ge 4 ]] || { sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$1 number=$2 method=$3 path=$4
port=$(sed -n "s/^PORT_$number=//p" "$dir/cluster.env")
form=()
if [[ -n ${5:-} ]]; then form=(--data "$5"); fi
exec curl --silent --show-error --fail-with-body --max-time 10 --request "$method" "${form[@]}" "http://127.0.0.1:$port/nacos/v1$path"
