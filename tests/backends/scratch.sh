# Sourced by the start scripts.
#   scratch_folder MEGABYTES    prints a folder for throw-away data: memory where that much is free, else the disk
# A new partition or database costs milliseconds of kernel time on a disk and a tenth of that in memory.
scratch_folder() {
  local free
  free=$(df -k --output=avail /dev/shm 2>/dev/null | tail -n 1)
  if [[ -w /dev/shm && ${free:-0} -gt $(($1 * 1000)) ]]; then echo /dev/shm; else echo "${TMPDIR:-/tmp}"; fi
}
