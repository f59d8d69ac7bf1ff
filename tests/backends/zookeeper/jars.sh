#!/usr/bin/env bash
# Prints the folder that holds the ZooKeeper jars and fills it first when it is empty or incomplete.
#   HEADGATE_ZOOKEEPER_VERSION   default: the version in pom.xml
#   ZOOKEEPER_FOLDER_ONLY=1      only prints
#   HEADGATE_ZOOKEEPER_LIB       the folder; default ${XDG_CACHE_HOME:-$HOME/.cache}/headgate/zookeeper-VERSION-jars
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

version=${HEADGATE_ZOOKEEPER_VERSION:-$(sed -n 's:.*<zookeeper.version>\(.*\)</zookeeper.version>.*:\1:p' "$here/pom.xml")}
lib=${HEADGATE_ZOOKEEPER_LIB:-${XDG_CACHE_HOME:-$HOME/.cache}/headgate/zookeeper-$version-jars}
if [[ ${ZOOKEEPER_FOLDER_ONLY:-0} == 1 ]]; then echo "$lib"; exit; fi

# The marker is written last, so a download that was cut is done again.
if [[ ! -e $lib/.complete ]]; then
  mkdir -p "$(dirname "$lib")"
  # Fetched beside the target and moved in one step: two callers at once never see half a folder.
  staging=$(mktemp -d "$lib.XXXXXX")
  trap 'rm -rf "$staging"' EXIT
  mvn -q -B -Dstyle.color=never -f "$here/pom.xml" dependency:copy-dependencies \
    -Dzookeeper.version="$version" -DincludeScope=runtime -DoutputDirectory="$staging" >&2
  touch "$staging/.complete"
  chmod 755 "$staging"
  mv -T "$staging" "$lib" 2>/dev/null || [[ -e $lib/.complete ]] ||
    { echo "$lib is neither empty nor complete; remove it or set HEADGATE_ZOOKEEPER_LIB" >&2; exit 1; }
fi
echo "$lib"
