#!/usr/bin/env bash
# etcd's own tool against a cluster that start.sh made: one command.
#   cli.sh DIR COMMAND ARGS…
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# -ge 2 ]] || { sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$1
shift
# shellcheck disable=SC1091
. "$dir/cluster.env"
exec "$("$here/bin.sh")/etcdctl" --endpoints "$ENDPOINTS" "$@"
