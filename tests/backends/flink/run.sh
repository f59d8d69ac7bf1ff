#!/usr/bin/env bash
# Submits the tests' job, which counts numbers and has no end, and prints its id once it runs.
#   run.sh DIR NAME [SAVEPOINT]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# -ge 2 ]] || { sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$1 name=$2 savepoint=${3:-}
url=http://$(sed -n 's/^ADDRESS=//p' "$dir/cluster.env")

# The value of a key whose value is a text.
text() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"; }

if [[ ! -e $dir/jar ]]; then
  curl -sf -F "jarfile=@$("$here/jars.sh")/job/counter.jar;type=application/x-java-archive" "$url/jars/upload" |
    text filename | sed 's:.*/::' >"$dir/jar.new"
  mv "$dir/jar.new" "$dir/jar"
fi
id=$(curl -s "$url/jars/$(<"$dir/jar")/run" -H 'content-type: application/json' --data "{\"programArgsList\":[\"$name\"]${savepoint:+,\"savepointPath\":\"$savepoint\"}}" | text jobid)
[[ -n $id ]] || { echo "Flink did not take the job" >&2; exit 1; }
# Each task of it: before, nobody can take a savepoint.
runs() {
  local told
  told=$(curl -sf -m 5 "$url/jobs/$id") || return 1
  [[ $told == *'"state":"RUNNING"'* && ! $told =~ \"status\":\"(CREATED|SCHEDULED|DEPLOYING|INITIALIZING)\" ]]
}
deadline=$((SECONDS + 60))
until runs; do
  ((SECONDS < deadline)) || { echo "the job $id does not run" >&2; exit 1; }
  sleep 0.2
done
echo "$id"
