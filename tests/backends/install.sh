#!/usr/bin/env bash
# Makes sure that what the build, the demo and the tests need of the machine is there, and says what it does.
#   install.sh [--demo]     --demo leaves out what only the tests need (PostgreSQL, ZooKeeper, etcd, a registry of Nacos, Flink,
#                           Redis, npm and Python for the plugins that are written for them)
# Missing packages are installed by apt where it exists and we are root (or sudo asks for no password); else they are
# named with the command that installs them, and the exit code is 1. Then the jars of Kafka, RocketMQ, ZooKeeper and Flink are
# fetched, and etcd and rnacos are built, once.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

packages=()
need() { # COMMAND PACKAGE…
  command -v "$1" >/dev/null || packages+=("${@:2}")
}

java_version() { java -version 2>&1 | sed -n '1s/.*version "\([0-9]*\).*/\1/p'; }

# Debian 12 has 17, later ones only newer: all of them run Kafka.
java_package() {
  if apt-cache show openjdk-17-jdk-headless >/dev/null 2>&1; then echo openjdk-17-jdk-headless; else echo default-jdk-headless; fi
}

list_missing() {
  packages=()
  need cc gcc libc6-dev
  need make make
  need mvn maven
  need openssl openssl
  need flock util-linux
  local java
  java=$(java_version 2>/dev/null || true)
  if [[ ${java:-0} -lt 17 ]]; then packages+=("$(java_package)"); fi
  [[ ${1:-} != --demo ]] || return 0
  need curl curl
  need redis-server redis-server redis-tools
  need npm nodejs npm
  need javac "$(java_package)"
  python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3 python3-venv python3-pip)
  if ! "$here/postgres/bin.sh" >/dev/null 2>&1; then packages+=(postgresql); fi
}

install_packages() {
  local root=()
  if ((EUID != 0)); then
    sudo -n true 2>/dev/null || return 1
    root=(sudo)
  fi
  command -v apt-get >/dev/null || return 1
  echo "installing ${packages[*]} (apt-get)"
  "${root[@]}" apt-get update -qq
  # Asked again: the name of the Java package is known only now on a machine whose lists were empty.
  list_missing "${1:-}"
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
}

ensure_packages() {
  list_missing "${1:-}"
  ((${#packages[@]})) || return 0
  if ! install_packages "${1:-}"; then
    echo "missing on this machine: ${packages[*]}" >&2
    echo "install them first, on Debian or Ubuntu: sudo apt-get install --no-install-recommends ${packages[*]}" >&2
    exit 1
  fi
  list_missing "${1:-}"
  ((${#packages[@]} == 0)) || { echo "still missing after the installation: ${packages[*]}" >&2; exit 1; }
}

ensure_rust() {
  command -v cargo >/dev/null || {
    echo "missing on this machine: Rust 1.95 or later; install it from https://rustup.rs" >&2
    exit 1
  }
  local target=wasm32-unknown-unknown
  [[ ! -d $(rustc --print sysroot)/lib/rustlib/$target ]] || return 0
  command -v rustup >/dev/null || { echo "missing: the standard library of Rust for $target" >&2; exit 1; }
  echo "adding the Rust target $target"
  rustup -q target add "$target"
}

ensure_kafka() {
  local lib
  lib=$(KAFKA_FOLDER_ONLY=1 "$here/kafka/jars.sh")
  [[ -e $lib/.complete ]] || echo "fetching Kafka from Maven into $lib"
  "$here/kafka/jars.sh" >/dev/null
  [[ -e $lib/broker.jsa ]] || { echo "making Kafka's class archive: brokers start a third faster"; "$here/kafka/archive.sh"; }
}

ensure_rocketmq() {
  local lib
  lib=$(ROCKETMQ_FOLDER_ONLY=1 "$here/rocketmq/jars.sh")
  [[ -e $lib/.complete ]] || echo "fetching RocketMQ from Maven into $lib"
  "$here/rocketmq/jars.sh" >/dev/null
}

ensure_zookeeper() {
  local lib
  lib=$(ZOOKEEPER_FOLDER_ONLY=1 "$here/zookeeper/jars.sh")
  [[ -e $lib/.complete ]] || echo "fetching ZooKeeper from Maven into $lib"
  "$here/zookeeper/jars.sh" >/dev/null
}

ensure_etcd() {
  local bin
  bin=$(ETCD_FOLDER_ONLY=1 "$here/etcd/bin.sh")
  [[ -x $bin/etcdctl ]] || echo "building etcd into $bin, a minute or two; where there is no Go, unpacking the distribution's"
  "$here/etcd/bin.sh" >/dev/null
}

ensure_nacos() {
  local bin
  bin=$(RNACOS_FOLDER_ONLY=1 "$here/nacos/bin.sh")
  [[ -x $bin ]] || echo "building rnacos into ${bin%/bin/*}, five to ten minutes, once"
  "$here/nacos/bin.sh" >/dev/null
}

ensure_flink() {
  local lib
  lib=$(FLINK_FOLDER_ONLY=1 "$here/flink/jars.sh")
  [[ -e $lib/.complete ]] || echo "fetching Flink from PyPI into $lib"
  "$here/flink/jars.sh" >/dev/null
}

# What the plugins in JavaScript and Python are built and tested with.
ensure_languages() {
  node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' ||
    { echo "missing on this machine: Node 20 or later, not $(node --version)" >&2; exit 1; }
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { echo "missing on this machine: Python 3.11 or later, not $(python3 --version)" >&2; exit 1; }
}

ensure_packages "${1:-}"
ensure_rust
ensure_kafka
ensure_rocketmq
[[ ${1:-} == --demo ]] || { ensure_languages; ensure_zookeeper; ensure_etcd; ensure_nacos; ensure_flink; }
