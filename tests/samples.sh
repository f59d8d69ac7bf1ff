#!/usr/bin/env bash
# Builds the plugins that are not part of the binary, one for each language: plugins/NAME/dist/NAME.wasm, for the scenarios
# and for who wants them; and those for released versions of the contract, in tests/fixtures/released. What is newer than its
# sources is left alone.
#   samples.sh [NAME…]     redis, nacos, flink, released; all where none is named
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Whether a component is older than what it is made of.
is_stale() { # NAME SDK
  local built=$root/plugins/$1/dist/$1.wasm
  [[ ! -e $built ]] || [[ -n $(find "$root/plugins/$1" "$root/sdk-guest/$2" "$root/wit" -newer "$built" -type f \
    -not -path '*/node_modules/*' -not -path '*/tests/*' -not -path '*/__pycache__/*' -not -path '*/dist/*' -print -quit) ]]
}

# As the build of the binary makes those that it carries, and with what that compiled already.
in_rust() { # NAME
  is_stale "$1" src || return 0
  cd "$root"
  cargo run --quiet --locked --package headgate-plugin-build --example component -- \
    "plugins/$1" "${CARGO_TARGET_DIR:-$root/target}/plugins" "plugins/$1/dist/$1.wasm"
}

in_javascript() { # NAME
  is_stale "$1" js || return 0
  cd "$root/plugins/$1"
  # What is installed stays until the lock file changes.
  if ! cmp -s package-lock.json node_modules/.installed; then
    # Not `npm ci`: it refuses a lock without the compiler's binaries for systems that a registry does not carry.
    npm install --no-save --silent
    cp package-lock.json node_modules/.installed
  fi
  npm run --silent build
}

in_python() { # NAME
  is_stale "$1" python || return 0
  cd "$root/plugins/$1"
  local python
  python=$(tools)
  PYTHONPATH=$root/sdk-guest/python "$python" -m headgate.build --wit "$root/wit"
}

# Each of a released version's fixtures, by the tools of the samples and the frozen text alone.
released() {
  local of version out python
  for of in "$root"/tests/fixtures/released/*/; do
    version=$(basename "$of")
    mkdir -p "$of/dist"
    out=$of/dist/js.wasm
    if [[ ! $out -nt $of/js/plugin.js || ! $out -nt $root/plugins/nacos/package-lock.json ]]; then
      node "$root/tests/fixtures/released/build.mjs" "$root/wit/released/$version" "$of/js/plugin.js" "$out" "$root/plugins/nacos"
    fi
    out=$of/dist/python.wasm
    if [[ ! $out -nt $of/python/plugin.py || ! $out -nt $root/plugins/flink/requirements.txt ]]; then
      python=$(cd "$root/plugins/flink" && tools)
      "$(dirname "$python")/componentize-py" --quiet -d "$root/wit/released/$version" -w driver \
        componentize --stub-wasi plugin -p "$of/python" -o "$out.new"
      mv "$out.new" "$out"
    fi
  done
}

# A Python with what requirements.txt pins, kept between builds and clones.
tools() {
  local wanted=requirements.txt home
  home=${XDG_CACHE_HOME:-$HOME/.cache}/headgate/python-$(sha256sum <"$wanted" | cut -c 1-12)
  if [[ ! -e $home/.complete ]]; then
    rm -rf "$home"
    python3 -m venv "$home" >&2
    "$home/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted" >&2
    touch "$home/.complete"
  fi
  echo "$home/bin/python"
}

names=("$@")
[[ ${#names[@]} != 0 ]] || names=(redis nacos flink released)
for name in "${names[@]}"; do
  case $name in
    redis) (in_rust redis) ;;
    nacos) (in_javascript nacos) ;;
    flink) (in_python flink) ;;
    released) released ;;
    *) echo "no sample is called $name: redis, nacos, flink, released" >&2; exit 2 ;;
  esac
done
