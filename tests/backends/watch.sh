#!/usr/bin/env bash
# Runs COMMAND once the process OWNER is gone, so that a test that was killed leaves no server behind.
#   watch.sh OWNER DIR COMMAND ARGS…    ends without a word when DIR is gone: then the work was undone by hand
# The start scripts begin it, in a session of its own, when the variable OWNER is set.
set -uo pipefail
[[ $# -ge 3 ]] || { sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
owner=$1 dir=$2
shift 2

# The start time tells the process from a later one with the same id; a zombie only waits for its parent.
born() { sed -n 's/.*) \([^Z]\)/\1/p' "/proc/$owner/stat" 2>/dev/null | cut -d ' ' -f 20; }
since=$(born)
while [[ -n $since && $(born) == "$since" ]]; do
  [[ -d $dir ]] || exit 0
  sleep 1
done
"$@"
