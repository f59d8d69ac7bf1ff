#!/usr/bin/env bash
# Compiles a backend's own client, as a bench's peer, beside the backend's jars and runs it.
#   baseline/run.sh kafka    read|create|delete BOOTSTRAP [option=value]…      options: the top of AdminBench.java
#   baseline/run.sh rocketmq read|create NAME_SERVERS [option=value]…          options: the top of TopicBench.java
# Environment: BENCH_JVM_OPTS (default: a heap of 512 MiB, the JVM's own choice for everything else).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case ${1:-} in
  kafka) main=AdminBench ;;
  rocketmq) main=TopicBench ;;
  *) sed -n '3,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
backend=$here/../../backends/$1
shift
lib=$("$backend/jars.sh")
classes=$lib/baseline
if [[ ! $classes/$main.class -nt $here/$main.java ]]; then javac -encoding UTF-8 -proc:none -cp "$lib/*" -d "$classes" "$here/$main.java"; fi
# Nothing is logged: that would be measured too. RocketMQ's client keeps files in the home folder all the same.
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
echo '<configuration><root level="OFF"/></configuration>' >"$home/logback.xml"
# shellcheck disable=SC2086 # a list of options
java ${BENCH_JVM_OPTS:--Xmx512m} -Duser.home="$home" -Drmq.logback.configurationFile="$home/logback.xml" \
  -Dlog4j2.configurationFile="file:$here/../../backends/kafka/log4j2-tools.properties" -cp "$classes:$lib/*" "$main" "$@"
