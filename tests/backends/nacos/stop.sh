#!/usr/bin/env bash
# Kills all nodes of DIR at once and deletes it: nothing here is worth keeping.
#   stop.sh DIR
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# == 1 ]] || { sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$(cd "$1" && pwd)
[[ -e $dir/cluster.env ]] || { echo "$dir holds no cluster" >&2; exit 2; }
for node in "$dir"/*/run; do "$here/../node.sh" "$dir" "$(basename "$(dirname "$node")")" kill; done
rm -rf "$dir"
