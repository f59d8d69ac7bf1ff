#!/usr/bin/env bash
# Prints the folder that holds Flink's jars and the job of the tests, and fills it first when it is empty or incomplete.
# Flink's distribution is in no Maven repository; the package that PyFlink depends on holds its whole `lib`.
#   HEADGATE_FLINK_VERSION   default 2.3.0
#   FLINK_FOLDER_ONLY=1      only prints
#   HEADGATE_FLINK_LIB       the folder; default ${XDG_CACHE_HOME:-$HOME/.cache}/headgate/flink-VERSION-jars
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

version=${HEADGATE_FLINK_VERSION:-2.3.0}
lib=${HEADGATE_FLINK_LIB:-${XDG_CACHE_HOME:-$HOME/.cache}/headgate/flink-$version-jars}
if [[ ${FLINK_FOLDER_ONLY:-0} == 1 ]]; then echo "$lib"; exit; fi

# The marker is written last, so a download that was cut is done again.
if [[ ! -e $lib/.complete ]]; then
  mkdir -p "$(dirname "$lib")"
  # Fetched beside the target and moved in one step: two callers at once never see half a folder.
  staging=$(mktemp -d "$lib.XXXXXX")
  trap 'rm -rf "$staging"' EXIT
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$staging/wheel" "apache-flink-libraries==$version" >&2
  python3 -m zipfile -e "$staging"/wheel/*.whl "$staging/unpacked"
  mv "$staging"/unpacked/pyflink/lib/*.jar "$staging/"
  rm -rf "$staging/wheel" "$staging/unpacked"
  # A job that was built for one version does not fit another.
  javac -nowarn --release 11 -cp "$staging/*" -d "$staging/classes" "$here/job/Counter.java" >&2
  mkdir "$staging/job"
  jar --create --file "$staging/job/counter.jar" --main-class Counter -C "$staging/classes" .
  rm -rf "$staging/classes"
  touch "$staging/.complete"
  chmod 755 "$staging"
  mv -T "$staging" "$lib" 2>/dev/null || [[ -e $lib/.complete ]] ||
    { echo "$lib is neither empty nor complete; remove it or set HEADGATE_FLINK_LIB" >&2; exit 1; }
fi
echo "$lib"
