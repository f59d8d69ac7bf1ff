#!/usr/bin/env bash
# Tests the kits for JavaScript and Python: the SDKs, the samples, and a project made of each template in an empty folder, as
# its author would: tested, then built. (The one in Rust is a test of sdk-guest/build.)
#   kits.sh
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/tests/samples.sh"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/headgate-kits.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export PYTHONDONTWRITEBYTECODE=1

step() { echo "== $*"; }

# The template under another name, the contract and the SDK beside it.
begin() { # LANGUAGE
  local project=$scratch/cellar-$1
  cp -r "$root/sdk-guest/templates/$1" "$project"
  grep -rlZ -e my-kind -e MyKind -e 'My kind' -e my_kind "$project" |
    xargs -0 sed -i -e "s/my-kind/cellar-$1/g" -e "s/MyKind/Cellar/g" -e "s/My kind/Cellar/g" -e "s/my_kind/cellar_$1/g"
  cp -r "$root/wit" "$project/wit"
  mkdir "$project/sdk"
  cp -r "$root/sdk-guest/$1/." "$project/sdk"
  rm -rf "$project/sdk/tests"
  echo "$project"
}

step "the SDK in JavaScript"
(cd "$root/sdk-guest/js" && npm test --silent)
step "the sample nacos"
(cd "$root/plugins/nacos" && npm test --silent)
step "a new plugin in JavaScript"
project=$(begin js)
(cd "$project" && npm install --no-save --silent && npm test --silent && npm run --silent build)
[[ -s $project/dist/cellar-js.wasm ]]

step "the SDK in Python"
(cd "$root/sdk-guest/python" && PYTHONPATH=. python3 -m unittest discover --start-directory tests)
step "the sample flink"
(cd "$root/plugins/flink" && PYTHONPATH=$root/sdk-guest/python:src python3 -m unittest discover --start-directory tests)
step "a new plugin in Python"
project=$(begin python)
(cd "$project" && ./build.sh test && ./build.sh)
[[ -s $project/dist/cellar-python.wasm ]]
