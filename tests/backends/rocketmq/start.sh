#!/usr/bin/env bash
# Starts one name server and BROKERS masters (broker-a, broker-b, …) of one RocketMQ cluster on 127.0.0.1.
#   start.sh BROKERS [DIR]      BROKERS 1 to 9; DIR: default a new folder in memory where that has room, else in ${TMPDIR:-/tmp}
# Prints the lines of DIR/cluster.env (NAME_SERVERS=…, DIR=…, PORT_broker_a=…, …) once every broker answers.
#   ACL=1         authentication and authorization on, super user admin / headgate-admin
#   OWNER=PID     the cluster is killed and deleted when that process is gone
#   HEADGATE_ROCKETMQ_VERSION   4.9.7 works too, without ACL=1
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
brokers=${1:-} dir=${2:-}
[[ $brokers =~ ^[1-9]$ ]] || { sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
lib=$("$here/jars.sh")

# shellcheck source=../ports.sh
. "$here/../ports.sh"
# shellcheck source=../scratch.sh
. "$here/../scratch.sh"
reserve_ports $((brokers + 1))
if [[ -z $dir ]]; then dir=$(mktemp -d "$(scratch_folder 3000)/headgate-rocketmq.XXXXXX"); fi
mkdir -p "$dir/home/conf"
dir=$(cd "$dir" && pwd)
[[ ! -e $dir/cluster.env ]] || { echo "$dir holds a cluster already; use node.sh DIR NAME start" >&2; exit 2; }
name_servers=127.0.0.1:$base

# RocketMQ 4 takes its log settings from here; mqadmin its credentials.
for name in namesrv broker tools; do
  cat >"$dir/home/conf/logback_$name.xml" <<'CONF'
<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %p %t - %m%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="out"/></root>
</configuration>
CONF
done
if [[ ${ACL:-0} == 1 ]]; then
  printf 'accessKey: admin\nsecretKey: headgate-admin\n' >"$dir/home/conf/tools.yml"
fi

node() { # NAME MAIN "JVM OPTIONS": DIR/NAME/run starts it in the foreground
  mkdir -p "$dir/$1"
  # RocketMQ 4 frees mapped files by reflection into these packages. Everything that is written goes to the home folder.
  cat >"$dir/$1/run" <<RUN
#!/usr/bin/env bash
export ROCKETMQ_HOME=$(printf %q "$dir/home")
cd $(printf %q "$dir/$1")
exec java $3 -XX:+UseSerialGC -XX:TieredStopAtLevel=1 --add-opens=java.base/java.nio=ALL-UNNAMED \\
  --add-opens=java.base/sun.nio.ch=ALL-UNNAMED --add-opens=java.base/jdk.internal.ref=ALL-UNNAMED \\
  -Duser.home=$(printf %q "$dir/$1") -cp $(printf %q "$lib")/'*' $2 -c $(printf %q "$dir/$1/conf")
RUN
  chmod +x "$dir/$1/run"
}

node namesrv org.apache.rocketmq.namesrv.NamesrvStartup "-Xms64m -Xmx256m"
printf 'listenPort=%s\nbindAddress=127.0.0.1\n' "$base" >"$dir/namesrv/conf"

names=() ports=()
for ((i = 0; i < brokers; i++)); do
  letters=abcdefghi
  name=broker-${letters:i:1}
  # A broker also listens two below its port and one above.
  port=$((base + 10 * (i + 1) + 2))
  names+=("$name") ports+=("$port")
  node "$name" org.apache.rocketmq.broker.BrokerStartup "-Xms128m -Xmx512m -XX:MaxDirectMemorySize=256m"
  # Topics exist because someone created them; files as small as they go.
  cat >"$dir/$name/conf" <<CONF
brokerClusterName=headgate
brokerName=$name
brokerId=0
brokerRole=ASYNC_MASTER
namesrvAddr=$name_servers
bindAddress=127.0.0.1
brokerIP1=127.0.0.1
brokerIP2=127.0.0.1
listenPort=$port
haListenPort=$((port + 1))
storePathRootDir=$dir/$name/store
storePathCommitLog=$dir/$name/store/commitlog
autoCreateTopicEnable=false
flushDiskType=ASYNC_FLUSH
mappedFileSizeCommitLog=67108864
mappedFileSizeConsumeQueue=200000
mappedFileSizeTimerLog=10485760
maxHashSlotNum=100000
maxIndexNum=400000
diskMaxUsedSpaceRatio=95
CONF
  if [[ ${ACL:-0} == 1 ]]; then
    cat >>"$dir/$name/conf" <<'CONF'
authenticationEnabled=true
authenticationProvider=org.apache.rocketmq.auth.authentication.provider.DefaultAuthenticationProvider
authenticationMetadataProvider=org.apache.rocketmq.auth.authentication.provider.LocalAuthenticationMetadataProvider
authorizationEnabled=true
authorizationProvider=org.apache.rocketmq.auth.authorization.provider.DefaultAuthorizationProvider
authorizationMetadataProvider=org.apache.rocketmq.auth.authorization.provider.LocalAuthorizationMetadataProvider
initAuthenticationUser={"username":"admin","password":"headgate-admin"}
innerClientAuthenticationCredentials={"accessKey":"admin","secretKey":"headgate-admin"}
CONF
  fi
done

{
  echo "NAME_SERVERS=$name_servers"
  echo "DIR=$(printf %q "$dir")"
  echo "BROKERS=$brokers"
  for i in "${!names[@]}"; do echo "PORT_${names[i]//-/_}=${ports[i]}"; done
} >"$dir/cluster.env"

if [[ -n ${OWNER:-} ]]; then
  setsid "$here/../watch.sh" "$OWNER" "$dir" "$here/stop.sh" "$dir" >/dev/null 2>&1 </dev/null &
fi
"$here/node.sh" "$dir" namesrv start
for name in "${names[@]}"; do "$here/node.sh" "$dir" "$name" start; done
"$here/wait.sh" "$dir" "$brokers" || { "$here/stop.sh" "$dir"; exit 1; }
cat "$dir/cluster.env"
