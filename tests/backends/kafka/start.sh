#!/usr/bin/env bash
# Starts a Kafka cluster in KRaft mode on 127.0.0.1, every node both broker and controller.
#   start.sh N [PORT] [DIR]     N is 1 or 3; PORT 0 or none: free ports; DIR: default a new folder in memory (/dev/shm)
#                               where that has 2 GB, else in ${TMPDIR:-/tmp}
# Prints the lines of DIR/cluster.env (BOOTSTRAP=…, DIR=…, …) once every node sees N live brokers.
#   SECURE=1      adds a SASL_SSL, a SASL_PLAINTEXT and a mutual TLS listener, SCRAM and PLAIN users, and the ACL authorizer
#   LOG_DIRS=2    two log directories a node (AlterReplicaLogDirs, DescribeLogDirs)
#   HEAP=512m     heap of each node
#   OWNER=PID     the cluster is killed and deleted when that process is gone
#   ZOOKEEPER=HOST:PORT/PATH   registers there instead of keeping a quorum of its own: one node of 3.x, PATH is its own
#   EXTRA         file with properties that are appended to each server.properties
# Node i listens on PORT + 10 * (i - 1); the controller on the next port, SASL_SSL, SASL_PLAINTEXT, TLS on the three after.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
nodes=${1:-} base=${2:-0} dir=${3:-}
[[ $nodes == 1 || $nodes == 3 ]] || { sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
"$here/jars.sh" >/dev/null

# shellcheck source=../ports.sh
. "$here/../ports.sh"
# shellcheck source=../scratch.sh
. "$here/../scratch.sh"
if [[ $base == 0 ]]; then reserve_ports "$nodes"; else refuse_taken "$base" "$nodes"; fi

if [[ -z $dir ]]; then dir=$(mktemp -d "$(scratch_folder 2000)/headgate-kafka.XXXXXX"); fi
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
[[ ! -e $dir/cluster.env ]] || { echo "$dir holds a cluster already; use node.sh DIR ID start" >&2; exit 2; }

# 128 random bits in the alphabet of Kafka's Uuid; a leading dash would look like an option.
uuid() { local id=-; while [[ $id == -* ]]; do id=$(openssl rand -base64 16 | tr '+/' '-_' | cut -c1-22); done; echo "$id"; }
list() { local IFS=,; echo "$*"; }

cluster=$(uuid)
clients=() quorum=() voters=() sasl_ssl=() sasl=() tls=()
for ((i = 1; i <= nodes; i++)); do
  port=$((base + 10 * (i - 1)))
  clients+=("127.0.0.1:$port") quorum+=("127.0.0.1:$((port + 1))")
  voters+=("$i@127.0.0.1:$((port + 1)):$(uuid)")
  sasl_ssl+=("127.0.0.1:$((port + 2))") sasl+=("127.0.0.1:$((port + 3))") tls+=("127.0.0.1:$((port + 4))")
done

if [[ ${SECURE:-0} == 1 ]]; then "$here/certificates.sh" "$dir/tls"; fi

for ((i = 1; i <= nodes; i++)); do
  port=$((base + 10 * (i - 1)))
  node=$dir/node-$i
  mkdir -p "$node"
  data=$node/data
  [[ ${LOG_DIRS:-1} == 1 ]] || data=$node/data,$node/data-2
  cat >"$node/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=$i
broker.rack=rack-$i
controller.quorum.bootstrap.servers=$(list "${quorum[@]}")
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$data
metadata.log.dir=$node/data

# Small internal topics: their defaults (50 partitions) cost seconds on first use.
default.replication.factor=$nodes
min.insync.replicas=1
offsets.topic.num.partitions=4
offsets.topic.replication.factor=$nodes
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=$nodes
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=4
share.coordinator.state.topic.replication.factor=$nodes
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# The log cleaner takes 128 MiB of heap by default.
log.cleaner.dedupe.buffer.size=4194304

# A dead broker is fenced after six seconds instead of nine, and joins sooner.
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=500

auto.create.topics.enable=false
delete.topic.enable=true
# Index files of 64 KiB instead of 10 MiB (sparse) each; deleted topics leave the disk after one second, not sixty.
log.index.size.max.bytes=65536
log.segment.delete.delay.ms=1000
PROPERTIES
  if [[ ${SECURE:-0} == 1 ]]; then
    # Replaces the two listener lines above; the users are those of README.md.
    sed -i '/^listeners=/d; /^listener.security.protocol.map=/d' "$node/server.properties"
    cat >>"$node/server.properties" <<PROPERTIES

listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1)),SASLSSL://127.0.0.1:$((port + 2)),SASL://127.0.0.1:$((port + 3)),TLS://127.0.0.1:$((port + 4))
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASLSSL:SASL_SSL,SASL:SASL_PLAINTEXT,TLS:SSL

authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
# ANONYMOUS is whoever comes by PLAINTEXT or CONTROLLER: the brokers themselves, and a test's back door.
super.users=User:ANONYMOUS;User:admin

ssl.keystore.type=PEM
ssl.keystore.location=$dir/tls/server.pem
ssl.truststore.type=PEM
ssl.truststore.location=$dir/tls/ca.crt
listener.name.tls.ssl.client.auth=required
listener.name.saslssl.ssl.client.auth=none
ssl.principal.mapping.rules=RULE:^CN=([^,]+).*\$/\$1/,DEFAULT
PROPERTIES
    for name in saslssl sasl; do
      cat >>"$node/server.properties" <<PROPERTIES
listener.name.$name.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN
listener.name.$name.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.$name.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.$name.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_admin="admin-secret" user_alice="alice-secret" user_bob="bob-secret";
PROPERTIES
    done
  fi
  if [[ -n ${ZOOKEEPER:-} ]]; then
    sed -i '/^process.roles=/d; /^node.id=/d; /^controller\./d; /^metadata.log.dir=/d; /^broker.rack=/d; /^listeners=/d; /^listener.security/d' \
      "$node/server.properties"
    # The cluster names itself when it first registers: by the rack wait.sh knows that this is the broker meant.
    printf 'broker.id=%s\nzookeeper.connect=%s\nbroker.rack=%s\nlisteners=PLAINTEXT://127.0.0.1:%s\n' \
      "$i" "$ZOOKEEPER" "$cluster" "$port" >>"$node/server.properties"
  fi
  if [[ -n ${EXTRA:-} ]]; then cat "$EXTRA" >>"$node/server.properties"; fi
done

scram=()
if [[ ${SECURE:-0} == 1 ]]; then
  for user in admin alice bob; do
    scram+=(--add-scram "SCRAM-SHA-256=[name=$user,password=$user-secret]")
    scram+=(--add-scram "SCRAM-SHA-512=[name=$user,password=$user-secret]")
  done
fi
formatting=()
for ((i = 1; i <= nodes; i++)); do
  if [[ -n ${ZOOKEEPER:-} ]]; then break; fi
  "$here/java.sh" tool kafka.tools.StorageTool format --cluster-id "$cluster" --config "$dir/node-$i/server.properties" \
    --initial-controllers "$(list "${voters[@]}")" "${scram[@]}" >"$dir/node-$i/format.log" 2>&1 &
  formatting+=($!)
done
for ((i = 1; i <= nodes; i++)); do
  [[ -z ${ZOOKEEPER:-} ]] || break
  wait "${formatting[i - 1]}" || { cat "$dir/node-$i/format.log" >&2; exit 1; }
done

{
  echo "BOOTSTRAP=$(list "${clients[@]}")"
  echo "DIR=$(printf %q "$dir")"
  echo "CLUSTER_ID=$cluster"
  echo "NODES=$nodes"
  for ((i = 1; i <= nodes; i++)); do echo "PORT_$i=$((base + 10 * (i - 1)))"; done
  if [[ ${SECURE:-0} == 1 ]]; then
    echo "BOOTSTRAP_SASL_SSL=$(list "${sasl_ssl[@]}")"
    echo "BOOTSTRAP_SASL=$(list "${sasl[@]}")"
    echo "BOOTSTRAP_TLS=$(list "${tls[@]}")"
  fi
} >"$dir/cluster.env"

if [[ -n ${OWNER:-} ]]; then
  setsid "$here/../watch.sh" "$OWNER" "$dir" "$here/stop.sh" "$dir" --remove >/dev/null 2>&1 </dev/null &
fi
for ((i = 1; i <= nodes; i++)); do "$here/node.sh" "$dir" "$i" start; done
"$here/wait.sh" "$dir" "$nodes" "${START_SECONDS:-90}" || { "$here/stop.sh" "$dir"; exit 1; }
cat "$dir/cluster.env"
