#!/usr/bin/env bash
# Starts a private PostgreSQL on 127.0.0.1 from the machine's package and prints its URL.
#   start.sh [PORT] [DIR]     PORT 0 or none: a free one; DIR: default a new folder in memory (/dev/shm) where that has
#                             1 GB, else in ${TMPDIR:-/tmp}; an old DIR keeps its data
# User and password `headgate`, super user. Data, log and socket are in DIR; DIR/url holds the URL too.
#   OWNER=PID        the server is stopped and DIR deleted when that process is gone
#   POSTGRES_FLAGS   more flags for the server
#   POSTGRES_USER    whom root hands over to, for PostgreSQL refuses root (default: postgres)
# The server's default collation is en-US by ICU, which sorts otherwise than bytes and so shows code that minds.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
port=${1:-0} dir=${2:-}
# shellcheck source=../ports.sh
. "$here/../ports.sh"
# shellcheck source=../scratch.sh
. "$here/../scratch.sh"

bin=$("$here/bin.sh")
if [[ $port == 0 ]]; then reserve_ports 1; port=$base; else refuse_taken "$port" 1; fi
if [[ -z $dir ]]; then dir=$(mktemp -d "$(scratch_folder 1000)/headgate-postgres.XXXXXX"); fi
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
as=()
if ((EUID == 0)); then
  as=(runuser -u "${POSTGRES_USER:-postgres}" --)
  chown "${POSTGRES_USER:-postgres}" "$dir"
  "${as[@]}" test -w "$dir" ||
    { echo "${POSTGRES_USER:-postgres} cannot enter $dir: name another DIR, or set TMPDIR" >&2; exit 1; }
fi
cd "$dir"

trap '"$here/stop.sh" "$dir"' EXIT
if [[ ! -e $dir/data/PG_VERSION ]]; then
  echo headgate | "${as[@]}" tee "$dir/password" >/dev/null
  "${as[@]}" "$bin/initdb" -D "$dir/data" -U headgate -A scram-sha-256 -E UTF8 --locale=C.UTF-8 \
    --locale-provider=icu --icu-locale=en-US --pwfile="$dir/password" >"$dir/initdb.log" 2>&1 ||
    { cat "$dir/initdb.log" >&2; exit 1; }
fi

if [[ -n ${OWNER:-} ]]; then
  setsid "$here/../watch.sh" "$OWNER" "$dir" "$here/stop.sh" "$dir" --remove >/dev/null 2>&1 </dev/null &
fi
# shellcheck disable=SC2086 # a list of flags
"${as[@]}" setsid "$bin/postgres" -D "$dir/data" -p "$port" -h 127.0.0.1 -k "$dir" -c max_connections=200 \
  ${POSTGRES_FLAGS:-} >>"$dir/server.log" 2>&1 </dev/null &
started=$! deadline=$((SECONDS + 30))
until "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"; do
  if ((SECONDS >= deadline)) || ! kill -0 "$started" 2>/dev/null; then
    tail -n 20 "$dir/server.log" >&2
    exit 1
  fi
  sleep 0.1
done
trap - EXIT
echo "postgres://headgate:headgate@127.0.0.1:$port/postgres" | tee "$dir/url"
