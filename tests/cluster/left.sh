#!/usr/bin/env bash
# What jobs have left on each node: processes beside those of the node itself, and files in /tmp and /dev/shm.
set -u
# shellcheck disable=SC1091
. "${LAB:=/var/tmp/hpo-lab}/run/vars"
export LAB
look() {
  ps -eo pid=,ppid=,args= | awk -v me=$$ '$1 != 1 && $1 != me && $2 != me && !/^ *[0-9]+ +1 (slurmd|sleep 86400)/'
  find /tmp /dev/shm -mindepth 1 -maxdepth 1 | grep -vxFf /run/shared
}
for ((i = 1; i <= NODES; i++)); do
  [ -e "$LAB/nodes/node$i/pid" ] || continue
  "$(dirname "$0")/node.sh" exec "node$i" bash -c "$(declare -f look); look" | cut -c 1-160 | sed "s/^/node$i: /"
done
