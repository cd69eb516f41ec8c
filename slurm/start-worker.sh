#!/usr/bin/env bash
# A further node of a job's Ray cluster: start-worker.sh DIR, with the DIR of start-head.sh
#
# Waits for the head, joins it, joins again if its Ray was cut off. Ends when there is DIR/stop, or by SIGTERM.
# When the node that the job's script runs on is lost, a worker requeues the job, up to HPO_MAX_REQUEUES [20] times.
# node.sh has the other settings, submit.sh starts this.
set -u
DIR=$(realpath "$1") || exit 2
# shellcheck source=slurm/node.sh
. "$(dirname "$0")/node.sh"
trap 'end 0' TERM INT
prepare

# find_head: HEAD and PORT, once something listens there
find_head() {
  until [ -s "$DIR/address" ] && IFS=: read -r HEAD PORT <"$DIR/address" && reachable "$HEAD" "$PORT"; do
    ! stopped || end 0
    if [ "$SECONDS" -ge "$TIMEOUT" ]; then
      [ -n "${HEAD:-}" ] || end 69 "no head after $TIMEOUT s: nothing has written $DIR/address"
      end 69 "cannot reach the head at $HEAD:$PORT from $(own_addresses) for $TIMEOUT s; HPO_INTERFACE names the network"
    fi
    pause 0.2
    ls "$DIR" >/dev/null # makes NFS look
  done
}

# join: start Ray by the interface that leads to the head
join() {
  find_head
  if [ -n "${HPO_INTERFACE:-}" ]; then
    interface_address
  else
    ADDRESS=$(ip -4 -o route get "$HEAD" | grep -oP ' src \K\S+')
  fi
  start_ray --address="$HEAD:$PORT"
  await_ray || end 69 "Ray has not joined $HEAD:$PORT:"
}

# orphaned: whether Slurm has taken the node of the job's script out of the job
orphaned() {
  local job host nodes
  job=$(timeout 20 scontrol -o show job "$JOB" 2>/dev/null) || return 1
  host=$(grep -oP ' BatchHost=\K\S+' <<<"$job")
  nodes=$(grep -oP ' NodeList=\K\S+' <<<"$job")
  grep -q ' JobState=RUNNING' <<<"$job" && ! scontrol show hostnames "$nodes" | grep -qx "$host"
}

# Nobody reads this script's output any more: what it does is told in the job's own file.
requeue() {
  local file
  file=$(scontrol show job "$JOB" | grep -oP ' StdOut=\K.*')
  rm -f "$DIR/token" "$DIR/address"
  if [ "${SLURM_RESTART_COUNT:-0}" -lt "${HPO_MAX_REQUEUES:-20}" ]; then
    say "the node of the job's script is lost: requeue" >>"${file:-$DIR/lost}"
    timeout 60 scontrol requeue "$JOB" >>"${file:-$DIR/lost}" 2>&1
  else
    say "the node of the job's script is lost, and this was the last attempt" >>"${file:-$DIR/lost}"
    timeout 60 scancel "$JOB"
  fi
}

# check: the work of a node while it waits; a silent head keeps Ray here busy for minutes
check() {
  ! stopped || end 0
  if [ $((ticks++ % 20)) -eq 19 ] && ! reachable "$HEAD" "$PORT" && orphaned; then requeue; end 0; fi
  pause 0.5
}

ticks=0
for attempt in 1 2 3; do
  SECONDS=0
  join
  while running; do check; done
  say "Ray has ended here (attempt $attempt)"
  end_all
  until reachable "$HEAD" "$PORT"; do check; done
done
end 71 "Ray has ended again and again:"
