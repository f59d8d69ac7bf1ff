#!/usr/bin/env bash
# Builds dist/my-kind.wasm, or runs the tests; the first time it puts what that needs into .venv.
#   ./build.sh [test]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export PYTHONPATH=sdk
if [[ ${1:-} == test ]]; then
  PYTHONPATH+=:src exec python3 -m unittest discover --start-directory tests
fi
if ! cmp -s requirements.txt .venv/requirements.txt; then
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
  cp requirements.txt .venv/
fi
exec .venv/bin/python -m headgate.build dist/my-kind.wasm
