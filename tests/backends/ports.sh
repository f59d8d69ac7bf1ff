# Sourced by the start scripts: free ports on loopback that no other start of ours takes meanwhile.
#   reserve_ports BLOCKS    sets `base` to the first port of so many free blocks of ten
#   refuse_taken BASE BLOCKS  fails when somebody listens there already
# A block is kept by a lock on a file, whose descriptor the caller's children inherit: it is free again when the last of
# them is gone, however they went. Below the range that the kernel hands to outgoing connections, so that none of them
# takes a port before we listen on it.
ports_first=20000
ports_blocks=1180

taken_ports() {
  local address state
  while read -r _ address _ state _; do
    [[ $state != 0A ]] || echo $((16#${address##*:}))
  done < <(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null)
}

first_taken() { # TAKEN BASE BLOCKS: prints the first port of the blocks that is in the list
  local port
  for ((port = $2; port < $2 + $3 * 10; port++)); do
    if grep -qx "$port" <<<"$1"; then echo "$port"; return; fi
  done
}

refuse_taken() {
  local conflict
  conflict=$(first_taken "$(taken_ports)" "$1" "$2")
  [[ -z $conflict ]] || { echo "port $conflict is taken; choose another, or 0 for free ones" >&2; return 1; }
}

lock_blocks() { # BASE BLOCKS
  local folder=${TMPDIR:-/tmp}/headgate-ports-$EUID block descriptor held=()
  mkdir -p "$folder"
  for ((block = $1; block < $1 + $2 * 10; block += 10)); do
    exec {descriptor}>"$folder/$block"
    held+=("$descriptor")
    if ! flock -n "$descriptor"; then
      for descriptor in "${held[@]}"; do exec {descriptor}>&-; done
      return 1
    fi
  done
}

reserve_ports() {
  local try
  for ((try = 0; try < 200; try++)); do
    base=$((ports_first + RANDOM % ports_blocks * 10))
    lock_blocks "$base" "$1" || continue
    # Asked under the lock: whoever held the block before has listened or left.
    if [[ -z $(first_taken "$(taken_ports)" "$base" "$1") ]]; then return; fi
  done
  echo "no $1 free blocks of ten ports between $ports_first and $((ports_first + ports_blocks * 10))" >&2
  return 1
}
