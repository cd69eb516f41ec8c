#!/usr/bin/env bash
# What can happen to a node of up.sh's cluster: node.sh WHAT NODE [COMMAND…]
#   boot                       make it, or switch it on again, and start slurmd
#   off                        power loss: its links go down first, so that others hear nothing more of it
#   cut, heal                  a network partition
#   stop-slurmd, start-slurmd  kill -9 slurmd alone, so that jobs go on; start it again
#   exec COMMAND…              run a command on it
set -euo pipefail
# shellcheck disable=SC1091
. "${LAB:=/var/tmp/hpo-lab}/run/vars"
what=$1 node=$2 number=${2#node} space=hpo$ID-${2#node} folder=$LAB/nodes/$2
shift 2

enter() { nsenter -t "$(cat "$folder/pid")" -n -u -p -m -i -- "$@"; }
link() { for f in 1 2; do ip link set "hpo${ID}n${number}e$f" "$1"; done; }

network() {
  local f net
  ip netns add "$space"
  for f in 1 2; do
    [ $f -eq 1 ] && net=$NET || net=$NET2
    ip link add "hpo${ID}n${number}e$f" type veth peer name "eth$((f - 1))" netns "$space"
    ip link set "hpo${ID}n${number}e$f" master "hpo${ID}b$f"
    ip -n "$space" address add "$net.$number/24" dev "eth$((f - 1))"
    ip -n "$space" link set "eth$((f - 1))" up
  done
  ip -n "$space" link set lo up
}

boot() {
  mkdir -p "$folder/tmp" "$LAB/spool/$node"
  chmod 1777 "$folder/tmp"
  rm -f "$folder"/{pid,ready}
  [ -e "/run/netns/$space" ] || network
  link up
  setsid nsenter --net="/run/netns/$space" \
    unshare --uts --mount --pid --ipc --fork --kill-child --mount-proc bash "$0" init "$node" \
    </dev/null >>"$LAB/log/$node.log" 2>&1 &
  local outer=$! k
  for ((k = 0; k < 500; k++)); do
    if [ -e "$folder/ready" ]; then
      tr -d ' ' <"/proc/$outer/task/$outer/children" >"$folder/pid"
      return
    fi
    sleep 0.02
  done
  cat "$LAB/log/$node.log" >&2
  return 1
}

# closed PATH: the outermost folder above it that not all users may enter
closed() {
  local path='' part
  while IFS= read -r -d / part; do
    path+=${part:+/$part}
    [ -z "$path" ] || [ -e "$path" ] || return 0
    [ -z "$path" ] || (( 0$(stat -c %a "$path") & 1 )) || { echo "$path"; return; }
  done <<<"$1/"
}

# init: the first process of a node
init() {
  local path k=0 hidden
  mount --make-rprivate /
  hostname "$node"
  mount -t tmpfs -o mode=755,size=64m tmpfs /run
  mount -t tmpfs -o "mode=1777,size=$SHM" tmpfs /dev/shm
  for path in $SHARE; do mkdir -p /run/share/$((++k)) && mount --rbind "$path" /run/share/$k; done
  mount --bind "$LAB/etc/hosts" /etc/hosts
  mkdir -p /etc/slurm
  mount --bind "$LAB/etc" /etc/slurm
  cd /
  for path in $SHARE; do
    hidden=$(closed "$path")
    [ -z "$hidden" ] || mount -t tmpfs -o mode=755,size=1m tmpfs "$hidden"
  done
  mount --bind "$folder/tmp" /tmp
  k=0
  for path in $SHARE; do mkdir -p "$path" && mount --rbind /run/share/$((++k)) "$path"; done
  grep -o '^/tmp/[^/]*' <<<"${SHARE// /$'\n'}" >/run/shared || true
  trap 'exit 0' TERM INT
  slurmd -f "$LAB/etc/slurm.conf"
  : >"$folder/ready"
  while :; do sleep 86400 & wait $!; done
}

case $what in
  boot) boot ;;
  init) init ;;
  off) link down && kill -9 "$(cat "$folder/pid")" && rm "$folder/pid" ;;
  cut) link down ;;
  heal) link up ;;
  stop-slurmd) enter pkill -KILL -x slurmd ;;
  start-slurmd) enter slurmd -f "$LAB/etc/slurm.conf" ;;
  exec) enter "$@" ;;
  *) echo "what is $what?" >&2 && exit 2 ;;
esac
