#!/usr/bin/env bash
# Prints the folder of PostgreSQL's server programs, which Debian keeps off the PATH; the newest where there are several.
set -euo pipefail
for postgres in $(ls -d /usr/lib/postgresql/*/bin/postgres /usr/pgsql-*/bin/postgres 2>/dev/null | sort -rV) \
  "$(command -v postgres || true)"; do
  bin=$(dirname "$postgres")
  if [[ -x $bin/postgres && -x $bin/initdb && -x $bin/pg_isready ]]; then echo "$bin"; exit; fi
done
echo "no PostgreSQL server found: apt-get install postgresql (15 or later)" >&2
exit 1
