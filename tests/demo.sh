#!/usr/bin/env bash
# `make demo`: a real three-node Kafka under Headgate's control, step by step, each judged by Kafka's own tools.
# On a terminal it stays until Ctrl-C; elsewhere it ends by itself. Exit code 0 only if every step held. What it starts
# is stopped and deleted in any case, so that the next run starts clean.
#   HEADGATE_BIN   a binary to show instead of the one that is built
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
kafka=$here/backends/kafka
began=$SECONDS step=0 host='' scratch='' DIR='' BOOTSTRAP=''
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

kafka_tool() { # TOOL ARGUMENTS…: as a person would type it
  local tool=$1
  shift
  typed "kafka-$tool --bootstrap-server $(shorter "$BOOTSTRAP") $*"
  "$kafka/cli.sh" "$tool" --bootstrap-server "$BOOTSTRAP" "$@"
}
shorter() { [[ $1 == *,* ]] && echo "${1%%,*},…" || echo "$1"; }

judge() { # WHAT PATTERN TOOL ARGUMENTS…: Kafka's own tool must print the pattern
  local what=$1 pattern=$2 printed
  shift 2
  printed=$("$kafka/cli.sh" "$1" --bootstrap-server "$BOOTSTRAP" "${@:2}") || fail "kafka-$1 failed"
  grep -qE -- "$pattern" <<<"$printed" || fail "Kafka does not say that $what; kafka-$1 ${*:2} printed: $printed"
  printf '  ✓ kafka-%s says: %s\n' "$1" "$what"
}

cleanup() {
  trap - EXIT
  trap '' INT TERM
  if [[ -n $host ]]; then kill "$host" 2>/dev/null || true; wait "$host" 2>/dev/null || true; fi
  if [[ -n $DIR ]]; then "$kafka/stop.sh" "$DIR" --remove; fi
  if [[ -n $scratch ]]; then rm -rf "$scratch"; fi
}

prepare() {
  headline "What this machine needs"
  "$here/backends/install.sh" --demo
  echo "  all there"
  headline "Headgate itself"
  if [[ -n ${HEADGATE_BIN:-} ]]; then binary=$HEADGATE_BIN; return; fi
  typed "make build"
  (cd "$root" && cargo build --locked --package headgate)
  binary=${CARGO_TARGET_DIR:-$root/target}/debug/headgate
}

start_kafka() {
  headline "A real Kafka: three nodes, KRaft, from Maven's artifacts"
  OWNER=$$ "$kafka/start.sh" 3 >"$scratch/cluster.env" || fail "Kafka did not come up"
  # shellcheck source=/dev/null
  . "$scratch/cluster.env"
  echo "  $NODES nodes at $BOOTSTRAP"
  kafka_tool topics --create --topic orders --partitions 6 --replication-factor 3 --config retention.ms=86400000
}

start_host() {
  headline "The host, on SQLite, with its built-in plugins"
  typed "headgate serve"
  env -u HEADGATE_DATABASE_URL "$binary" serve --listen 127.0.0.1:0 --data "$scratch/data" \
    >"$scratch/stdout" 2>"$scratch/log" </dev/null &
  host=$!
  # Also when this script is killed without a word.
  setsid "$here/backends/watch.sh" $$ "$scratch" bash -c 'kill -9 "$0"; rm -rf "$1"' "$host" "$scratch" \
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

register() {
  headline "Register the cluster, and look"
  headgate 0 cluster add lab --kind kafka --set "bootstrap=$BOOTSTRAP"
  headgate 0 sync lab
  headgate 0 get topic -c lab
  [[ $("$binary" get topic -c lab) == *orders* ]] || fail "the topic orders is not shown"
}

plan_and_apply() {
  headline "Plan two topics"
  cat >"$scratch/pay.yaml" <<'YAML'
cluster: lab
type: topic
name: pay.events
spec:
  partitions: 5
  replication_factor: 3
  config:
    cleanup.policy: compact,delete
    retention.ms: 7200000
---
cluster: lab
type: topic
name: pay.audit
spec:
  partitions: 3
  replication_factor: 3
  config:
    min.insync.replicas: 2
YAML
  typed "cat pay.yaml"
  cat "$scratch/pay.yaml"
  cd "$scratch"
  headgate 2 plan -f pay.yaml

  headline "Apply them"
  headgate 0 apply -f pay.yaml --yes
  judge "pay.events has 5 partitions, 3 copies each" 'PartitionCount: 5.ReplicationFactor: 3' topics --describe --topic pay.events
  judge "pay.audit has 3 partitions, 3 copies each" 'PartitionCount: 3.ReplicationFactor: 3' topics --describe --topic pay.audit
  judge "pay.events keeps for two hours" '^ *retention.ms=7200000 ' configs --describe --entity-type topics --entity-name pay.events
  judge "pay.audit wants two copies in sync" '^ *min.insync.replicas=2 ' configs --describe --entity-type topics --entity-name pay.audit
  echo "Planned again, there is nothing to do:"
  headgate 0 plan -f pay.yaml
}

drift() {
  headline "Somebody changes one of them behind Headgate's back"
  kafka_tool configs --alter --entity-type topics --entity-name pay.events --add-config retention.ms=60000
  judge "pay.events keeps for a minute only" '^ *retention.ms=60000 ' configs --describe --entity-type topics --entity-name pay.events

  headline "Headgate shows the drift"
  headgate 0 sync lab
  headgate 2 drift -c lab

  headline "And takes it back"
  headgate 0 drift revert topic pay.events -c lab --yes
  judge "pay.events keeps for two hours again" '^ *retention.ms=7200000 ' configs --describe --entity-type topics --entity-name pay.events
  judge "orders is as it was: it is not ours" '^ *retention.ms=86400000 ' configs --describe --entity-type topics --entity-name orders
  headgate 0 drift -c lab
}

look_around() {
  cat <<TEXT

${bold}Look around, in another terminal:${plain}
  export PATH=$(dirname "$binary"):\$PATH HEADGATE_URL=$HEADGATE_URL HEADGATE_TOKEN=$HEADGATE_TOKEN
  headgate get topic pay.events -c lab -o yaml
  headgate cluster show lab
  headgate events --follow
  curl -H "Authorization: Bearer \$HEADGATE_TOKEN" \$HEADGATE_URL/api/v1/clusters/lab/resources
  $kafka/cli.sh topics --bootstrap-server $BOOTSTRAP --describe
Ctrl-C stops the host and Kafka, and removes their data.
TEXT
  trap 'exit 0' INT TERM
  wait "$host" || fail "the host ended by itself; its log: $(tail -n 20 "$scratch/log")"
}

trap cleanup EXIT
trap 'exit 130' INT TERM
scratch=$(mktemp -d "${TMPDIR:-/tmp}/headgate-demo.XXXXXX")
prepare
start_kafka
start_host
register
plan_and_apply
drift
printf '\n%sEvery step held, in %d seconds.%s\n' "$bold" "$((SECONDS - began))" "$plain"
if [[ -t 0 && -t 1 ]]; then look_around; fi
