#!/usr/bin/env bash
# ZooKeeper's own shell against an ensemble that start.sh made: one command.
#   cli.sh DIR COMMAND ARGS…
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# -ge 2 ]] || { sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$1
shift
# shellcheck disable=SC1091
. "$dir/cluster.env"
# The serial collector and the first compiler tier halve the start of a process that lives a second.
exec java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=error \
  -cp "$("$here/jars.sh")/*" org.apache.zookeeper.ZooKeeperMain -server "$SERVERS" "$@"
