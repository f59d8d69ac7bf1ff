#!/usr/bin/env bash
# Runs a main class of Flink's jars as the process NAME, with the configuration in DIR/conf; the only place with JVM options.
#   java.sh DIR NAME MAIN ARGS…
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# -ge 3 ]] || { sed -n '2,3s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
dir=$1 name=$2
shift 2
lib=$("$here/jars.sh")

# What Flink's own configuration opens on Java 17.
opens=(--add-exports=java.base/sun.net.util=ALL-UNNAMED --add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED
  --add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED --add-opens=java.base/sun.nio.ch=ALL-UNNAMED
  --add-opens=java.base/java.{lang,lang.reflect,net,io,nio,text,time,util}"=ALL-UNNAMED"
  --add-opens=java.base/java.util.concurrent{,.atomic,.locks}"=ALL-UNNAMED")
# Flink loads what lies in `plugins` where it is started: this tree has a folder of that name.
cd "$dir"
# By the process's folder on its command line node.sh knows it again.
# The serial collector and the first compiler tier: two cores are shared by all that the tests start.
exec env FLINK_CONF_DIR="$dir/conf" FLINK_LIB_DIR="$lib" java -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
  -XX:MaxDirectMemorySize=256m -XX:MaxMetaspaceSize=256m "${opens[@]}" \
  "-Dheadgate.process=$dir/$name/" "-Dlog4j.configurationFile=$dir/conf/log4j.properties" -cp "$dir/conf:$lib/*" "$@"
