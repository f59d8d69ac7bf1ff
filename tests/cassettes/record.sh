#!/usr/bin/env bash
# Records what plugins exchange with real clusters while they are tried (`headgate plugin test`): NAME.jsonl beside this script.
# The unit tests play those of the built-in plugins, tests/kits.sh those of the samples.
#   record.sh [NAME…]     etcd, zookeeper, kafka, rocketmq, and of the samples redis, nacos, flink; all of them where none is named
#   HEADGATE_BIN          the program; default target/debug/headgate
# The clusters are started for it, and are gone behind it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
backends=$root/tests/backends
headgate=${HEADGATE_BIN:-$root/target/debug/headgate}
[[ -x $headgate ]] || { echo "there is no $headgate: run make build, or set HEADGATE_BIN" >&2; exit 2; }

dir='' stop=''
clean() { if [[ -n $dir ]]; then "$stop" "$dir" >/dev/null; dir=''; fi; }
trap clean EXIT

# start SCRIPT ARGS…: the facts that it prints become variables
start() {
  local facts
  facts=$(OWNER=$$ "$@")
  dir=$(sed -n 's/^DIR=//p' <<<"$facts")
  while IFS='=' read -r name value; do printf -v "$name" %s "$value"; done <<<"$facts"
}

record() {
  local name=$1 plugin=$1
  shift
  # What is not built in is a file, which tests/samples.sh makes.
  if [[ -d $root/plugins/$name/dist ]]; then plugin=$root/plugins/$name/dist/$name.wasm; fi
  RECORDED_PASSWORD=$password "$headgate" plugin test "$plugin" --record "$here/$name.jsonl" "$@"
}

etcd() {
  password='etcd-root-password' stop=$backends/stop.sh
  start "$backends/etcd/start.sh" 1
  cli() { "$backends/etcd/cli.sh" "$dir" "$@" >/dev/null; }
  cli role add app
  cli role grant-permission app readwrite --prefix /app/
  cli role add root
  for user in alice bob carol; do cli user add "$user:$user-has-one"; cli user grant-role "$user" app; done
  for number in 1 2 3 4; do cli lease grant $((600 * number)); done
  cli user add "root:$password"
  cli user grant-role root root
  cli auth enable
  record etcd --connection "endpoints=$ENDPOINTS" --connection username=root --secret password=env:RECORDED_PASSWORD
  clean
}

zookeeper() {
  password='zookeeper-password' stop=$backends/stop.sh
  start "$backends/zookeeper/start.sh" 1
  cli() { "$backends/zookeeper/cli.sh" "$dir" "$@" >/dev/null; }
  for path in /app /app/orders /app/payments /other /services; do cli create "$path" 12345; done
  cli setquota -n 10 /app
  cli setquota -b 5000 /services
  record zookeeper --connection "servers=$SERVERS" --connection username=headgate \
    --secret password=env:RECORDED_PASSWORD
  clean
}

kafka() {
  password='admin-secret' stop=$backends/kafka/stop.sh
  SECURE=1 HEAP=256m start "$backends/kafka/start.sh" 1
  record kafka --connection "bootstrap=$BOOTSTRAP_SASL" --connection security=SASL_PLAINTEXT \
    --connection mechanism=SCRAM-SHA-512 --connection username=admin --secret password=env:RECORDED_PASSWORD \
    --wish "$here/kafka.wish.yaml"
  clean
}

rocketmq() {
  stop=$backends/stop.sh
  ACL=1 start "$backends/rocketmq/start.sh" 1
  password=$SECRET_KEY
  record rocketmq --connection "name_servers=$NAME_SERVERS" --connection "access_key=$ACCESS_KEY" \
    --secret secret_key=env:RECORDED_PASSWORD --wish "$here/rocketmq.wish.yaml"
  clean
}

# Redis tells its users with hashes of their passwords, which are in the cassette: here they are nobody's.
redis() {
  "$root/tests/samples.sh" redis
  password='redis-password' stop=$backends/stop.sh
  PASSWORD=$password start "$backends/redis/start.sh" 1
  cli() { "$backends/redis/cli.sh" "$dir" 1 "$@" >/dev/null; }
  for user in alice bob carol; do cli acl setuser "$user" on ">$user-has-one" '~app:*' +@read; done
  for number in 0 1 2; do cli -n "$number" set app:1 one; done
  record redis --connection "addresses=$ADDRESSES" --secret password=env:RECORDED_PASSWORD --wish "$here/redis.wish.yaml"
  clean
}

nacos() {
  "$root/tests/samples.sh" nacos
  password='admin-secret' stop=$backends/stop.sh
  AUTH=1 start "$backends/nacos/start.sh" 1
  cli() { "$backends/nacos/cli.sh" "$dir" 1 "$@"; }
  log_in() { cli POST /auth/login "username=admin&password=$password" | sed -n 's/.*"accessToken" *: *"\([^"]*\)".*/\1/p'; }
  local token='' deadline=$((SECONDS + 30))
  # It makes its users a moment after it began to serve, and remembers whom it did not know before.
  sleep 2
  until token=$(log_in 2>/dev/null) && [[ -n $token ]]; do
    ((SECONDS < deadline)) || { echo "the registry lets nobody in" >&2; return 1; }
    sleep 2
  done
  ask() { cli "$1" "$2?accessToken=$token" "$3" >/dev/null; }
  for name in orders payments; do
    ask POST /console/namespaces "customNamespaceId=$name&namespaceName=$name&namespaceDesc=$name"
    ask POST /cs/configs "dataId=$name.yaml&group=G&tenant=$name&content=a: 1"
    ask POST /ns/service "serviceName=$name&groupName=G&namespaceId=$name&protectThreshold=0.5"
  done
  record nacos --connection "addresses=$ADDRESSES" --connection username=admin --secret password=env:RECORDED_PASSWORD \
    --wish "$here/nacos.wish.yaml"
  clean
}

flink() {
  "$root/tests/samples.sh" flink
  password='' stop=$backends/stop.sh
  start "$backends/flink/start.sh" 1
  for name in counting adding; do "$backends/flink/run.sh" "$dir" "$name" >/dev/null; done
  record flink --connection "addresses=$ADDRESS"
  clean
}

wanted=("$@")
[[ ${#wanted[@]} -gt 0 ]] || wanted=(etcd zookeeper kafka rocketmq redis nacos flink)
for name in "${wanted[@]}"; do
  case $name in
    etcd | zookeeper | kafka | rocketmq | redis | nacos | flink) "$name" ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
done
