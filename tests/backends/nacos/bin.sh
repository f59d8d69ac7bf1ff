#!/usr/bin/env bash
# Prints the path of rnacos, and builds it first where it is missing: Nacos itself cannot be had from a package registry.
# rnacos is another implementation of Nacos' v1 API; its crate is built by the cargo that builds Headgate.
#   HEADGATE_RNACOS_VERSION   default 0.8.8
#   RNACOS_FOLDER_ONLY=1      only prints
set -euo pipefail

version=${HEADGATE_RNACOS_VERSION:-0.8.8}
home=${XDG_CACHE_HOME:-$HOME/.cache}/headgate/rnacos-$version
bin=$home/bin/rnacos
if [[ ${RNACOS_FOLDER_ONLY:-0} != 1 && ! -x $bin ]]; then
  # Made beside the target and moved in one step: two callers at once never see half a folder.
  mkdir -p "$(dirname "$home")"
  staging=$(mktemp -d "$home.XXXXXX")
  trap 'rm -rf "$staging"' EXIT
  # Unoptimised: it serves a few hundred requests of a test, and the build takes half the time.
  env -u RUSTFLAGS CARGO_TARGET_DIR="$staging/target" CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_PROFILE_RELEASE_STRIP=true \
    cargo install --quiet --locked --root "$staging" --version "$version" rnacos >&2
  rm -rf "$staging/target"
  chmod 755 "$staging"
  mv -T "$staging" "$home" 2>/dev/null || [[ -x $bin ]] || { echo "$home is neither empty nor complete; remove it" >&2; exit 1; }
fi
echo "$bin"
