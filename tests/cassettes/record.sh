#!/usr/bin/env bash
# Records what the built-in plugins exchange with real clusters while they are tried (`headgate plugin test`): NAME.jsonl
# beside this script, which the unit tests play.
#   record.sh [NAME…]     etcd, zookeeper, kafka, rocketmq; all of them where none is named
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
  local name=$1
  shift
  RECORDED_PASSWORD=$password "$headgate" plugin test "$name" --record "$here/$name.jsonl" "$@"
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

wanted=("$@")
[[ ${#wanted[@]} -gt 0 ]] || wanted=(etcd zookeeper kafka rocketmq)
for name in "${wanted[@]}"; do
  case $name in
    etcd | zookeeper | kafka | rocketmq) "$name" ;;
    *) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
done
