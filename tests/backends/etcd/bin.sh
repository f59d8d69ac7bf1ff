#!/usr/bin/env bash
# Prints the folder that holds etcd and etcdctl, and fills it first when it is empty.
#   HEADGATE_ETCD_VERSION   default 3.6.16: what Go builds, from 1.21 on, for then it fetches the compiler that it needs
#   HEADGATE_ETCD_BIN       the folder itself: any etcd from 3.4 on
#   ETCD_FOLDER_ONLY=1      only prints
# Where Go is missing or too old the distribution's packages are unpacked, of whatever release they are: installing them
# would start a server on etcd's own port.
set -euo pipefail

version=${HEADGATE_ETCD_VERSION:-3.6.16}
home=${HEADGATE_ETCD_BIN:-${XDG_CACHE_HOME:-$HOME/.cache}/headgate/etcd-$version}
if [[ ${ETCD_FOLDER_ONLY:-0} == 1 ]]; then echo "$home"; exit; fi

go_is_recent() {
  local number
  number=$(go env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
  [[ ${number:-0} -ge 21 ]]
}

# `go install …@version` refuses these modules, for their replace directives. As dependencies of an empty module they are
# built without them.
build() { # FOLDER
  local module
  module=$(mktemp -d)
  (
    cd "$module"
    printf 'module headgate/etcd\n\ngo 1.21\n' >go.mod
    export GOTOOLCHAIN=auto GOFLAGS=-mod=mod CGO_ENABLED=0
    go get "go.etcd.io/etcd/server/v3@v$version" "go.etcd.io/etcd/etcdctl/v3@v$version" &&
      go build -trimpath -ldflags '-s -w' -o "$1/etcd" go.etcd.io/etcd/server/v3 &&
      go build -trimpath -ldflags '-s -w' -o "$1/etcdctl" go.etcd.io/etcd/etcdctl/v3
  ) >"$module/log" 2>&1 || { cat "$module/log" >&2; rm -rf "$module"; return 1; }
  rm -rf "$module"
}

unpack() { # FOLDER
  local packages=(etcd-server etcd-client) package
  (
    cd "$1"
    # Without lists of packages there are none to be had: those are fetched first, which takes root.
    apt-get download -qq "${packages[@]}" || { apt-get update -qq && apt-get download -qq "${packages[@]}"; } || exit 1
    for package in ./*.deb; do dpkg-deb -x "$package" . || exit 1; done
    mv usr/bin/etcd usr/bin/etcdctl . && rm -rf ./*.deb etc lib usr var
  )
}

if [[ ! -x $home/etcd || ! -x $home/etcdctl ]]; then
  [[ -z ${HEADGATE_ETCD_BIN:-} ]] || { echo "$home holds no etcd and etcdctl" >&2; exit 1; }
  mkdir -p "$(dirname "$home")"
  # Made beside the target and moved in one step: two callers at once never see half a folder.
  staging=$(mktemp -d "$home.XXXXXX")
  trap 'rm -rf "$staging"' EXIT
  # Who names a release gets that one or none.
  if ! { go_is_recent && build "$staging"; }; then
    [[ -z ${HEADGATE_ETCD_VERSION:-} ]] || { echo "etcd $version could not be built" >&2; exit 1; }
    unpack "$staging" >&2
  fi
  chmod 755 "$staging"
  mv -T "$staging" "$home" 2>/dev/null || [[ -x $home/etcdctl ]] ||
    { echo "$home is neither empty nor complete; remove it or set HEADGATE_ETCD_BIN" >&2; exit 1; }
fi
echo "$home"
