# The demo's story of RocketMQ: copies of one topic on two brokers, apart and alike again. Sourced by run.sh.
rocketmq=$backends/rocketmq NAME_SERVERS=''

mqadmin() { # ARGUMENTS…: as a person would type it; its logging set-up is left out
  typed "mqadmin $*"
  "$rocketmq/mqadmin.sh" "$DIR" "$@" 2>&1 | grep -v ' |-' || true
}

judge() { # WHAT READ_QUEUES BROKER TOPIC: RocketMQ's own tool must say so
  local printed
  printed=$("$rocketmq/mqadmin.sh" "$DIR" topicRoute -t "$4" 2>/dev/null | tr -d '\n\t ') || fail "mqadmin topicRoute failed"
  grep -qE "\"brokerName\":\"$3\",\"perm\":[0-9]+,\"readQueueNums\":$2," <<<"$printed" ||
    fail "RocketMQ does not say that $1; mqadmin topicRoute -t $4 printed: $printed"
  printf '  ✓ mqadmin says: %s\n' "$1"
}

start_backend() {
  headline "A real RocketMQ: a name server and two masters, from Maven's artifacts"
  OWNER=$$ "$rocketmq/start.sh" 2 >"$scratch/cluster.env" || fail "RocketMQ did not come up"
  # shellcheck source=/dev/null
  . "$scratch/cluster.env"
  broker_a=127.0.0.1:$PORT_broker_a broker_b=127.0.0.1:$PORT_broker_b
  echo "  name server $NAME_SERVERS, broker-a $broker_a, broker-b $broker_b"
  mqadmin updateTopic -b "$broker_a" -t orders -r 4 -w 4
  mqadmin updateTopic -b "$broker_b" -t orders -r 8 -w 8
}

stop_backend() { "$rocketmq/../stop.sh" "$DIR"; }

register() {
  headline "Register the cluster, and look"
  headgate 0 cluster add mq --kind rocketmq --set "name_servers=$NAME_SERVERS"
  headgate 0 sync mq
  headgate 0 get topic -c mq
}

divergence() {
  headline "The copies of a topic differ: RocketMQ never says so"
  headgate 2 divergence -c mq
  headline "One plan makes them alike"
  headgate 0 divergence repair topic orders -c mq --like group:broker-b --yes
  judge "orders has 8 read queues on broker-a" 8 broker-a orders
  judge "orders has 8 read queues on broker-b" 8 broker-b orders
  headgate 0 divergence -c mq
}

everywhere() {
  headline "A wish without a place is one for every group"
  cat >"$scratch/pay.yaml" <<'YAML'
cluster: mq
type: topic
name: pay-events
spec:
  read_queues: 6
  write_queues: 6
YAML
  typed "cat pay.yaml"
  cat "$scratch/pay.yaml"
  headgate 0 apply -f pay.yaml --yes
  judge "pay-events has 6 read queues on broker-a" 6 broker-a pay-events
  judge "pay-events has 6 read queues on broker-b" 6 broker-b pay-events

  headline "Somebody changes one copy behind Headgate's back; it is shown, and taken back"
  mqadmin updateTopic -b "$broker_a" -t pay-events -r 2 -w 2
  headgate 0 sync mq
  headgate 2 drift -c mq
  headgate 0 drift revert topic pay-events -c mq --at group:broker-a --yes
  judge "pay-events has 6 read queues on broker-a again" 6 broker-a pay-events
  headgate 0 drift -c mq
}

story() {
  register
  divergence
  everywhere
}

worth_a_look() {
  echo "  headgate get topic pay-events -c mq"
  echo "  headgate cluster show mq"
  echo "  $rocketmq/mqadmin.sh $DIR topicRoute -t pay-events"
}
