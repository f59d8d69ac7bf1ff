#!/usr/bin/env bash
# A producer or a consumer of a cluster that start.sh made, connected until it is killed or its standard input ends.
#   client.sh DIR producer|consumer GROUP TOPIC     prints CLIENT=ID once the brokers know it
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# == 4 ]] || { sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
# shellcheck disable=SC1091
. "$1/cluster.env"
# Java runs a source file only where its name says that it is one.
exec java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Duser.home="$1/home" \
  -cp "$("$here/jars.sh")/*" "$here/Client.java" "$NAME_SERVERS" "$2" "$3" "$4"
