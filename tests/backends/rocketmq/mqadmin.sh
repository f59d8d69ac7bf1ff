#!/usr/bin/env bash
# RocketMQ's own admin tool against a cluster that start.sh made.
#   mqadmin.sh DIR COMMAND ARGS…
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# -ge 2 ]] || { sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$1
shift
# shellcheck disable=SC1091
. "$dir/cluster.env"
tls=()
if [[ -n ${TLS_DIR:-} ]]; then tls=(-Dtls.enable=true "-Dtls.config.file=$TLS_DIR/properties"); fi
export ROCKETMQ_HOME=$dir/home NAMESRV_ADDR=$NAME_SERVERS
# The serial collector and the first compiler tier halve the start of a process that lives a second.
exec java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Duser.home="$dir/home" "${tls[@]}" -cp "$("$here/jars.sh")/*" \
  org.apache.rocketmq.tools.command.MQAdminStartup "$@"
