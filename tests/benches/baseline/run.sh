#!/usr/bin/env bash
# Compiles AdminBench beside the jars and runs it.
#   baseline/run.sh read|create|delete BOOTSTRAP [option=value]…      options: the top of AdminBench.java
# Environment: BENCH_JVM_OPTS (default: a heap of 512 MiB, the JVM's own choice for everything else).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lib=$("$here/../../backends/kafka/jars.sh")
classes=$lib/baseline
if [[ ! $classes/AdminBench.class -nt $here/AdminBench.java ]]; then javac -encoding UTF-8 -proc:none -cp "$lib/*" -d "$classes" "$here/AdminBench.java"; fi
# shellcheck disable=SC2086 # a list of options
exec java ${BENCH_JVM_OPTS:--Xmx512m} -Dlog4j2.configurationFile="file:$here/../../backends/kafka/log4j2-tools.properties" \
  -cp "$classes:$lib/*" AdminBench "$@"
