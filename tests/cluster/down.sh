#!/usr/bin/env bash
# Stops what up.sh has started, by the numbers that it has noted, and removes its networks and folder.
set -uo pipefail
LAB=${LAB:-/var/tmp/hpo-lab}
[ -e "$LAB/run/vars" ] || { echo "nothing is up in $LAB"; exit 0; }
# shellcheck disable=SC1091
. "$LAB/run/vars"

# stop FILE: SIGTERM to the process whose number it holds, SIGKILL after 5 seconds
stop() {
  local pid k
  pid=$(cat "$1" 2>/dev/null) && kill "$pid" 2>/dev/null || return 0
  for ((k = 0; k < 100; k++)); do
    [ -e "/proc/$pid" ] || return 0
    sleep 0.05
  done
  kill -KILL "$pid" 2>/dev/null
}

stop "$LAB/run/slurmctld.pid"
for ((i = 1; i <= NODES; i++)); do
  if pid=$(cat "$LAB/nodes/node$i/pid" 2>/dev/null); then kill -KILL "$pid" 2>/dev/null; fi # the kernel ends all else there
done
stop "$LAB/run/munged.pid"
for ((i = 1; i <= NODES; i++)); do
  for f in 1 2; do ip link delete "hpo${ID}n${i}e$f" 2>/dev/null; done
  ip netns delete "hpo$ID-$i" 2>/dev/null
done
for f in 1 2; do ip link delete "hpo${ID}b$f" 2>/dev/null; done
rm -rf "$LAB"
