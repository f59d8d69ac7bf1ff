# The demo's story of Kafka: a plan, somebody else's change, and its way back. Sourced by run.sh.
kafka=$backends/kafka BOOTSTRAP=''

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

start_backend() {
  headline "A real Kafka: three nodes, KRaft, from Maven's artifacts"
  OWNER=$$ "$kafka/start.sh" 3 >"$scratch/cluster.env" || fail "Kafka did not come up"
  # shellcheck source=/dev/null
  . "$scratch/cluster.env"
  echo "  $NODES nodes at $BOOTSTRAP"
  kafka_tool topics --create --topic orders --partitions 6 --replication-factor 3 --config retention.ms=86400000
}

stop_backend() { "$kafka/stop.sh" "$DIR" --remove; }

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

story() {
  register
  plan_and_apply
  drift
}

worth_a_look() {
  echo "  headgate get topic pay.events -c lab -o yaml"
  echo "  headgate cluster show lab"
  echo "  curl -H \"Authorization: Bearer \$HEADGATE_TOKEN\" \$HEADGATE_URL/api/v1/clusters/lab/resources"
  echo "  $kafka/cli.sh topics --bootstrap-server $BOOTSTRAP --describe"
}
