#!/usr/bin/env bash
# `make demo`, `make demo KIND=rocketmq`: a real cluster under Headgate's control, step by step, each judged by the
# backend's own tools. The file of the kind, beside this one, tells the story.
# On a terminal it stays until Ctrl-C; elsewhere it ends by itself. Exit code 0 only if every step held. What it starts
# is stopped and deleted in any case, so that the next run starts clean.
#   HEADGATE_BIN   a binary to show instead of the one that is built
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
backends=$root/tests/backends
kind=${1:-kafka}
[[ -e $here/$kind.sh ]] || { echo "no demo of the kind $kind; there are: $(cd "$here" && printf '%s ' *.sh | sed 's/run.sh //; s/[.]sh//g')" >&2; exit 2; }
began=$SECONDS step=0 host='' scratch='' DIR=''
# shellcheck source=kafka.sh
. "$here/$kind.sh"
bold='' dim='' plain=''
if [[ -t 1 ]]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; fi

headline() { step=$((step + 1)); printf '\n%s%d. %s%s\n' "$bold" "$step" "$1" "$plain"; }
typed() { printf '%s$ %s%s\n' "$dim" "$*" "$plain"; }
fail() { printf '\n%sThe demo stops at step %d: %s%s\n' "$bold" "$step" "$1" "$plain" >&2; exit 1; }

headgate() { # CODE ARGUMENTS…: shows the command, runs it, and expects the exit code
  local expected=$1 code=0
  shift
  typed "headgate $*"
  "$binary" "$@" || code=$?
  [[ $code == "$expected" ]] || fail "headgate $1 ended with $code instead of $expected"
}

cleanup() {
  trap - EXIT
  trap '' INT TERM
  if [[ -n $host ]]; then kill "$host" 2>/dev/null || true; wait "$host" 2>/dev/null || true; fi
  if [[ -n $DIR ]]; then stop_backend; fi
  if [[ -n $scratch ]]; then rm -rf "$scratch"; fi
}

prepare() {
  headline "What this machine needs"
  "$backends/install.sh" --demo
  echo "  all there"
  headline "Headgate itself"
  if [[ -n ${HEADGATE_BIN:-} ]]; then binary=$HEADGATE_BIN; return; fi
  typed "make build"
  (cd "$root" && cargo build --locked --package headgate)
  binary=${CARGO_TARGET_DIR:-$root/target}/debug/headgate
}

start_host() {
  headline "The host, on SQLite, with its built-in plugins"
  typed "headgate serve"
  env -u HEADGATE_DATABASE_URL "$binary" serve --listen 127.0.0.1:0 --data "$scratch/data" \
    >"$scratch/stdout" 2>"$scratch/log" </dev/null &
  host=$!
  # Also when this script is killed without a word.
  setsid "$backends/watch.sh" $$ "$scratch" bash -c 'kill -9 "$0"; rm -rf "$1"' "$host" "$scratch" \
    >/dev/null 2>&1 </dev/null &
  local deadline=$((SECONDS + 120))
  until grep -q '^listening on ' "$scratch/stdout"; do
    if ((SECONDS >= deadline)) || ! kill -0 "$host" 2>/dev/null; then
      cat "$scratch/stdout" "$scratch/log" >&2
      fail "the host did not start"
    fi
    sleep 0.1
  done
  HEADGATE_URL=$(sed -n 's/^listening on //p' "$scratch/stdout")
  HEADGATE_TOKEN=$(<"$scratch/data/token")
  export HEADGATE_URL HEADGATE_TOKEN
  echo "  it listens on $HEADGATE_URL"
}

look_around() {
  printf '\n%sLook around, in another terminal:%s\n' "$bold" "$plain"
  echo "  export PATH=$(dirname "$binary"):\$PATH HEADGATE_URL=$HEADGATE_URL HEADGATE_TOKEN=$HEADGATE_TOKEN"
  worth_a_look
  echo "  headgate events --follow"
  echo "Ctrl-C stops all of it, and removes its data."
  trap 'exit 0' INT TERM
  wait "$host" || fail "the host ended by itself; its log: $(tail -n 20 "$scratch/log")"
}

trap cleanup EXIT
trap 'exit 130' INT TERM
scratch=$(mktemp -d "${TMPDIR:-/tmp}/headgate-demo.XXXXXX")
prepare
start_backend
start_host
cd "$scratch"
story
printf '\n%sEvery step held, in %d seconds.%s\n' "$bold" "$((SECONDS - began))" "$plain"
if [[ -t 0 && -t 1 ]]; then look_around; fi
