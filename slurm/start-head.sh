#!/usr/bin/env bash
# The head of a job's Ray cluster: start-head.sh DIR [NODE…]
#
# DIR is a directory that all nodes of the job see, and only their user. In it appear: token, the secret of this
# cluster; address, as soon as something listens there; joined/NODE for each node that is up; NODE.log. The NODEs
# are those that are waited for. Ends when there is DIR/stop, or by SIGTERM. HPO_DASHBOARD=PORT starts Ray's
# dashboard for this machine alone. node.sh has the other settings, submit.sh starts this.
set -u
DIR=$(realpath "$1") && shift || exit 2
# shellcheck source=slurm/node.sh
. "$(dirname "$0")/node.sh"
trap 'end 0' TERM INT
prepare
(umask 077 && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$DIR/token")
[ -s "$DIR/token" ] || end 73 "cannot write to $DIR"

if [ -n "${HPO_INTERFACE:-}" ]; then
  interface_address
else # where Slurm's own daemons reach this node, unless that is 127.0.1.1 from /etc/hosts
  name=$(timeout 10 scontrol show node "$NODE" 2>/dev/null | grep -oP '\bNodeAddr=\K\S+')
  ADDRESS=$(getent ahostsv4 "${name:-$NODE}" | awk '$1 !~ /^127\./ {print $1; exit}')
  [ -n "$ADDRESS" ] || end 78 "no address of $NODE that others could reach; set HPO_INTERFACE to one of: $(own_addresses)"
fi

# Below those that the kernel gives out; Ray refuses 10002 to 19999. All other ports are the kernel's choice.
port=$((20000 + ${SLURM_JOB_ID:-$$} % 12000))
while grep -q ":$(printf %04X $port) 0*:0000 0A" /proc/net/tcp /proc/net/tcp6; do port=$((port + 1)); done

dashboard=(--include-dashboard=false)
[ -z "${HPO_DASHBOARD:-}" ] ||
  dashboard=(--include-dashboard=true --dashboard-host=127.0.0.1 --dashboard-port="$HPO_DASHBOARD")
start_ray --head --port="$port" "${dashboard[@]}"
until reachable "$ADDRESS" "$port"; do
  running || end 70 "Ray has not started:"
  [ "$SECONDS" -lt "$TIMEOUT" ] || end 70 "Ray has not started within $TIMEOUT s:"
  pause 0.1
done
echo "$ADDRESS:$port" >"$DIR/address.new" && mv "$DIR/address.new" "$DIR/address"
say "the head listens at $ADDRESS:$port"
await_ray || end 70 "Ray has not started:"

# announce: one line for each node that has joined, and at last one for each that has not
declare -A told
announce() {
  local file node
  for file in "$DIR"/joined/*; do
    node=${file##*/}
    [ -z "${told[$node]:-}" ] || continue
    told[$node]=joined
    say "$node has joined after $SECONDS s ($(cat "$file")); ${#told[@]} of $# nodes"
  done
  [ "$SECONDS" -gt "$TIMEOUT" ] || return
  for node in "$@"; do
    [ -n "${told[$node]:-}" ] || say "$node has not joined within $TIMEOUT s; the sweep goes on without it"
    told[$node]=${told[$node]:-late}
  done
}
while running; do
  ! stopped || end 0
  announce "$@"
  pause 0.3
done
! stopped || end 0
: >"$DIR/stop" # without a head nobody has work left
end 70 "Ray's head has ended:"
