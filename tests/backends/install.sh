#!/usr/bin/env bash
# Makes sure that what the build, the demo and the tests need of the machine is there, and says what it does.
#   install.sh [--demo]     --demo leaves out what only the tests need (PostgreSQL, ZooKeeper, etcd)
# Missing packages are installed by apt where it exists and we are root (or sudo asks for no password); else they are
# named with the command that installs them, and the exit code is 1. Then the jars of Kafka, RocketMQ and ZooKeeper are
# fetched and etcd is built, once.
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
  if [[ ${1:-} != --demo ]] && ! "$here/postgres/bin.sh" >/dev/null 2>&1; then packages+=(postgresql); fi
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

ensure_packages "${1:-}"
ensure_rust
ensure_kafka
ensure_rocketmq
[[ ${1:-} == --demo ]] || { ensure_zookeeper; ensure_etcd; }
