#!/usr/bin/env bash
# Starts one name server and BROKERS masters (broker-a, broker-b, …) of one RocketMQ cluster on 127.0.0.1.
#   start.sh BROKERS [DIR]      BROKERS 1 to 9; DIR: default a new folder in memory where that has room, else in ${TMPDIR:-/tmp}
# Prints the lines of DIR/cluster.env (NAME_SERVERS=…, DIR=…, PORT_broker_a=…, …) once every broker answers.
#   ACL=1         authentication and authorization on: ACCESS_KEY and SECRET_KEY are a super user's, made for this run
#   TLS=1         every port speaks TLS only; DIR/tls/ca.crt is the authority, DIR/tls/admin.pem a client's identity
#   TLS=client    the same, and clients must show an identity
#   SLAVES=1      each master gets a slave (broker-a-slave, …), which copies it
#   OWNER=PID     the cluster is killed and deleted when that process is gone
#   HEADGATE_ROCKETMQ_VERSION   4.9.7 works too, without ACL=1
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
brokers=${1:-} dir=${2:-}
[[ $brokers =~ ^[1-9]$ ]] || { sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
lib=$("$here/jars.sh")

# shellcheck source=../ports.sh
. "$here/../ports.sh"
# shellcheck source=../scratch.sh
. "$here/../scratch.sh"
slaves=${SLAVES:-0}
reserve_ports $((brokers * (slaves + 1) + 1))
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
access_key=admin
if [[ ${ACL:-0} == 1 ]]; then
  secret_key=$(openssl rand -hex 12)
  (umask 077 && printf 'accessKey: %s\nsecretKey: %s\n' "$access_key" "$secret_key" >"$dir/home/conf/tools.yml")
fi

# Servers are clients too: of the name server, and of each other.
tls=''
if [[ ${TLS:-0} != 0 ]]; then
  "$here/../kafka/certificates.sh" "$dir/tls"
  cat >"$dir/tls/properties" <<CONF
tls.test.mode.enable=false
tls.server.need.client.auth=$([[ $TLS == client ]] && echo require || echo none)
tls.server.keyPath=$dir/tls/server.key
tls.server.certPath=$dir/tls/server.crt
tls.server.authClient=$([[ $TLS == client ]] && echo true || echo false)
tls.server.trustCertPath=$dir/tls/ca.crt
tls.client.keyPath=$dir/tls/admin.key
tls.client.certPath=$dir/tls/admin.crt
tls.client.authServer=true
tls.client.trustCertPath=$dir/tls/ca.crt
CONF
  tls="-Dtls.enable=true -Dtls.server.mode=enforcing -Dtls.config.file=$(printf %q "$dir/tls/properties")"
fi

node() { # NAME MAIN "JVM OPTIONS": DIR/NAME/run starts it in the foreground
  mkdir -p "$dir/$1"
  # RocketMQ 4 frees mapped files by reflection into these packages. Everything that is written goes to the home folder.
  cat >"$dir/$1/run" <<RUN
#!/usr/bin/env bash
export ROCKETMQ_HOME=$(printf %q "$dir/home")
cd $(printf %q "$dir/$1")
exec java $3 $tls -XX:+UseSerialGC -XX:TieredStopAtLevel=1 --add-opens=java.base/java.nio=ALL-UNNAMED \\
  --add-opens=java.base/sun.nio.ch=ALL-UNNAMED --add-opens=java.base/jdk.internal.ref=ALL-UNNAMED \\
  -Duser.home=$(printf %q "$dir/$1") -cp $(printf %q "$lib")/'*' $2 -c $(printf %q "$dir/$1/conf")
RUN
  chmod +x "$dir/$1/run"
}

node namesrv org.apache.rocketmq.namesrv.NamesrvStartup "-Xms64m -Xmx256m"
printf 'listenPort=%s\nbindAddress=127.0.0.1\n' "$base" >"$dir/namesrv/conf"

names=() ports=()
broker() { # NAME GROUP NUMBER ROLE PORT
  names+=("$1") ports+=("$5")
  node "$1" org.apache.rocketmq.broker.BrokerStartup "-Xms128m -Xmx512m -XX:MaxDirectMemorySize=256m"
  # Topics exist because someone created them; files as small as they go.
  cat >"$dir/$1/conf" <<CONF
brokerClusterName=headgate
brokerName=$2
brokerId=$3
brokerRole=$4
namesrvAddr=$name_servers
bindAddress=127.0.0.1
brokerIP1=127.0.0.1
brokerIP2=127.0.0.1
listenPort=$5
haListenPort=$(($5 + 1))
storePathRootDir=$dir/$1/store
storePathCommitLog=$dir/$1/store/commitlog
autoCreateTopicEnable=false
flushDiskType=ASYNC_FLUSH
mappedFileSizeCommitLog=67108864
mappedFileSizeConsumeQueue=200000
timerFlushIntervalMs=30000
mappedFileSizeTimerLog=10485760
maxHashSlotNum=100000
maxIndexNum=400000
diskMaxUsedSpaceRatio=95
CONF
  if [[ ${ACL:-0} == 1 ]]; then
    cat >>"$dir/$1/conf" <<CONF
authenticationEnabled=true
authenticationProvider=org.apache.rocketmq.auth.authentication.provider.DefaultAuthenticationProvider
authenticationMetadataProvider=org.apache.rocketmq.auth.authentication.provider.LocalAuthenticationMetadataProvider
authorizationEnabled=true
authorizationProvider=org.apache.rocketmq.auth.authorization.provider.DefaultAuthorizationProvider
authorizationMetadataProvider=org.apache.rocketmq.auth.authorization.provider.LocalAuthorizationMetadataProvider
initAuthenticationUser={"username":"$access_key","password":"$secret_key"}
innerClientAuthenticationCredentials={"accessKey":"$access_key","secretKey":"$secret_key"}
CONF
  fi
}

letters=abcdefghi
for ((i = 0; i < brokers; i++)); do
  # A broker also listens two below its port and one above.
  broker "broker-${letters:i:1}" "broker-${letters:i:1}" 0 ASYNC_MASTER $((base + 10 * (i + 1) + 2))
done
for ((i = 0; i < brokers * slaves; i++)); do
  broker "broker-${letters:i:1}-slave" "broker-${letters:i:1}" 1 SLAVE $((base + 10 * (brokers + i + 1) + 2))
done

{
  echo "NAME_SERVERS=$name_servers"
  echo "DIR=$(printf %q "$dir")"
  echo "BROKERS=${#names[@]}"
  for i in "${!names[@]}"; do echo "PORT_${names[i]//-/_}=${ports[i]}"; done
  if [[ -n $tls ]]; then echo "TLS_DIR=$(printf %q "$dir/tls")"; fi
  if [[ ${ACL:-0} == 1 ]]; then
    echo "ACCESS_KEY=$access_key"
    echo "SECRET_KEY=$secret_key"
  fi
} >"$dir/cluster.env"

if [[ -n ${OWNER:-} ]]; then
  setsid "$here/../watch.sh" "$OWNER" "$dir" "$here/../stop.sh" "$dir" >/dev/null 2>&1 </dev/null &
fi
"$here/../node.sh" "$dir" namesrv start
for name in "${names[@]}"; do "$here/../node.sh" "$dir" "$name" start; done
"$here/wait.sh" "$dir" "${#names[@]}" || { "$here/../stop.sh" "$dir"; exit 1; }
cat "$dir/cluster.env"
