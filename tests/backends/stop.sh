#!/usr/bin/env bash
# Kills all processes of a cluster that a start.sh made (RocketMQ, ZooKeeper, etcd, Nacos, Flink, Redis) at once, and deletes its
# folder: nothing in it is worth keeping, and some take seconds for an orderly stop.
#   stop.sh DIR
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# == 1 ]] || { sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$(cd "$1" && pwd)
[[ -e $dir/cluster.env ]] || { echo "$dir holds no cluster" >&2; exit 2; }
for node in "$dir"/*/run; do "$here/node.sh" "$dir" "$(basename "$(dirname "$node")")" kill; done
rm -rf "$dir"
