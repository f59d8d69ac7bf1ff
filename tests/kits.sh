#!/usr/bin/env bash
# Tests the kits for JavaScript and Python: the SDKs, the samples, and a project that the binary makes in an empty folder, as its
# author would: made, tested, built, checked and led through its conformance. (The one in Rust is a scenario, tests/scenarios/kit.rs.)
# The samples of all languages are led through theirs with what was recorded of real clusters.
#   kits.sh            HEADGATE_BIN: the binary [target/debug/headgate]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
headgate=${HEADGATE_BIN:-${CARGO_TARGET_DIR:-$root/target}/debug/headgate}
"$root/tests/samples.sh"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/headgate-kits.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export PYTHONDONTWRITEBYTECODE=1

step() { echo "== $*"; }

# Made by the binary alone, tested by the language's own runner, built and checked.
begin() { # LANGUAGE TEST
  cd "$scratch"
  "$headgate" plugin new "cellar-$1" --lang "$1" >/dev/null
  cd "cellar-$1"
  bash -c "$2"
  "$headgate" plugin build
  "$headgate" plugin check "dist/cellar-$1.wasm" >/dev/null
  "$headgate" plugin test "dist/cellar-$1.wasm"
}

for name in redis nacos flink; do
  step "the sample $name against its cassette"
  "$headgate" plugin test "$root/plugins/$name/dist/$name.wasm" --cassette "$root/tests/cassettes/$name.jsonl"
done

step "the SDK in JavaScript"
(cd "$root/sdk-guest/js" && npm test --silent)
step "the sample nacos"
(cd "$root/plugins/nacos" && npm test --silent)
step "a new plugin in JavaScript"
(begin js 'npm install --no-save --silent && npm test --silent')

step "the SDK in Python"
(cd "$root/sdk-guest/python" && PYTHONPATH=. python3 -m unittest discover --start-directory tests)
step "the sample flink"
(cd "$root/plugins/flink" && PYTHONPATH=$root/sdk-guest/python:src python3 -m unittest discover --start-directory tests)
step "a new plugin in Python"
(begin python './build.sh test')
