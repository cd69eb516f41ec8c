#!/usr/bin/env bash
#SBATCH --job-name=hpo --ntasks-per-node=1 --open-mode=append --requeue --no-kill --signal=B:USR1@120
#
# What your site wants: remove one #, or give it to sbatch.
##SBATCH --account=project --partition=gpu
##SBATCH --nodes=4 --cpus-per-task=8 --gpus-per-node=4 --time=12:00:00
#
# One sweep on all nodes of a job: sbatch [OPTIONS OF SBATCH] slurm/submit.sh SWEEP [OPTIONS]
#   --out DIR           run directory, on storage that all nodes see [runs/SWEEP-JOBID]
#   --min-nodes N       start when so many nodes have joined; the others take part as they come [1]
#   --max-requeues N    how often the job goes on when its time was up or its head was lost [20]
#   and those of `hpo run`
# `python` and `ray` are those on the PATH: activate your environment before sbatch, or below.

set -u
say() { printf '%(%T)T submit: %s\n' -1 "$*"; }
die() { say "$2"; exit "$1"; }
pause() { sleep "$1" & wait $!; } # signals cut it short
lives() { kill -0 "$1" 2>/dev/null; }
: "${SLURM_JOB_ID:?start this with sbatch}"
unset SLURM_EXPORT_ENV # --export=NONE would leave srun without PATH
job=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID}
job=${job:-$SLURM_JOB_ID} # one task of an array has the number of the whole
attempt=${SLURM_RESTART_COUNT:-0}
timeout=${HPO_START_TIMEOUT:-300}
warning=${HPO_WARNING:-120} # seconds from SIGUSR1 to the end, as in --signal above

# Slurm runs a copy of this file, and knows where the other scripts stand.
here=${HPO_SCRIPTS:-$(dirname "$0")}
if [ ! -e "$here/start-head.sh" ]; then
  here=$(scontrol show job "$job" | sed -n 's/^ *Command=//p')
  here=$(dirname "${here%" $*"}")
fi

sweep=${1:?which sweep?} && shift
out='' min_nodes=1 options=()
export HPO_MAX_REQUEUES=${HPO_MAX_REQUEUES:-20}
while [ $# -gt 0 ]; do
  case $1 in --out=* | --min-nodes=* | --max-requeues=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;; esac
  case $1 in
    --out) out=${2:?} && shift ;;
    --min-nodes) min_nodes=${2:?} && shift ;;
    --max-requeues) HPO_MAX_REQUEUES=${2:?} && shift ;;
    *) options+=("$1") ;;
  esac
  shift
done
# hpo is started by its path: `python -m` would look into this folder first, for modules of Python's own too.
find_hpo() { python -c 'import hpo.__main__ as found; print(found.__file__)'; }
hpo=$(cd / && find_hpo 2>/dev/null) || hpo=$(find_hpo)
if [ ! -e "$hpo" ] || ! command -v ray >/dev/null; then
  die 1 "python with hpo, and ray, have to be on the PATH: activate your environment before sbatch"
fi
[ -e "$sweep" ] || die 1 "there is no $sweep in $PWD"

# The run directory: a requeued job goes on with its own, and a job id that came round again finds no other's.
if [ -z "$out" ]; then
  out=$(basename "$sweep") && out=runs/${out%.*}-$SLURM_JOB_ID
  if [ "$attempt" -eq 0 ]; then
    while [ -e "$out" ]; do out+=+; done
  else
    while [ -e "$out+" ]; do out+=+; done
  fi
elif [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
  out+=-$SLURM_ARRAY_TASK_ID
fi
mkdir -p "$out/slurm" || die 1 "cannot make $out"
rm -f "$out/slurm/$SLURM_JOB_ID".*/{token,address} # of an attempt whose node was lost
dir=$(mktemp -d "$(realpath "$out")/slurm/$SLURM_JOB_ID.$attempt.XXXX") || die 1 "cannot write to $out"

# All of this has to be over before Slurm sends SIGKILL, KillWait after SIGTERM.
HPO_END_GRACE=${HPO_END_GRACE:-$(timeout 20 scontrol show config | awk '/^KillWait/ {print int($3 / 2)}')}
export HPO_END_GRACE=${HPO_END_GRACE:-5}

# step NODE CPUS SCRIPT…: a script on one node, with all that the job has of it; again where it did not even start
declare -A gpus=() # of each node, where the job asked for some in all: Slurm does not work out a step's share
step() {
  local node=$1 cpus=$2
  shift 2
  unset SLURM_NTASKS SLURM_NPROCS SLURM_TASKS_PER_NODE SLURM_NTASKS_PER_NODE SLURM_CPU_BIND
  until srun --nodes=1 --ntasks=1 --nodelist="$node" --cpus-per-task="$cpus" ${gpus[$node]:+--gpus="${gpus[$node]}"} \
    --cpu-bind=none --overlap --kill-on-bad-exit=0 bash "$@"; do
    [ "$SECONDS" -lt "$timeout" ] && [ ! -e "$dir/$node.up" ] && [ ! -e "$dir/stop" ] || return
    sleep 5
  done
}

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
cpus=() # of each node; Slurm writes 8,4(x2) for 8 4 4
for part in ${SLURM_JOB_CPUS_PER_NODE//,/ }; do
  times=1
  if [[ $part =~ x([0-9]+) ]]; then times=${BASH_REMATCH[1]}; fi
  for ((n = 0; n < times; n++)); do cpus+=("${part%%(*}"); done
done
if [ -n "${SLURM_GPUS:-}" ]; then
  while read -r part n; do
    for node in $(scontrol show hostnames "$part"); do gpus[$node]=$n; done
  done < <(scontrol show job -d "$job" | sed -nE 's/^ *Nodes=(\S+) .*GRES=gpu[^ ]*:([0-9]+)(\(.*)?$/\1 \2/p')
fi
workers=()
step "${nodes[0]}" "${cpus[0]}" "$here/start-head.sh" "$dir" "${nodes[@]}" &
head=$!
for ((n = 1; n < ${#nodes[@]}; n++)); do
  step "${nodes[n]}" "${cpus[n]}" "$here/start-worker.sh" "$dir" &
  workers+=($!)
done

# Signals: SIGUSR1, the time is nearly up; SIGTERM, scancel or preemption. The driver ends trials on both.
driver='' deadline='' warned='' killed='' lost=''
note() {
  [ -z "$driver" ] || kill -"$1" "$driver" 2>/dev/null
  deadline=$((SECONDS + $2))
}
trap 'warned=1; say "the time is nearly up"; note USR1 $((warning > 60 ? warning - 30 : warning / 2))' USR1
trap 'killed=1; say "told to end by Slurm"; note TERM "$HPO_END_GRACE"' TERM INT

headless() { [ -e "$dir/stop" ] || ! lives "$head"; } # the head writes stop before it tidies up
joined() { find "$dir/joined" -type f 2>/dev/null | wc -l; }
stands() { [ -s "$dir/address" ] && { [ "$min_nodes" -le 1 ] || [ "$(joined)" -ge "$min_nodes" ]; }; }
until stands || [ -n "$warned$killed" ] || ! lives "$head" || [ "$SECONDS" -ge "$timeout" ]; do pause 0.1; done

ends=$(date -d "$(scontrol show job "$job" | grep -oP ' EndTime=\K\S+')" +%s 2>/dev/null)
left() { [ -n "$ends" ] && echo $((ends - $(date +%s))); } # seconds, where the job has a limit

# run: the driver, without what makes scripts believe that they are a part of an MPI job
run() {
  local name seconds
  for name in ${!SLURM_*}; do
    case $name in SLURM_CONF | SLURM_JOB_ID | SLURM_JOB_NAME | SLURM_ARRAY_*) ;; *) unset "$name" ;; esac
  done
  seconds=$(left) && export HPO_TIME_LEFT=$((seconds - warning)) # the time budget of a sweep that has none
  export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$dir/token RAY_USAGE_STATS_ENABLED=0
  export TMPDIR=${HPO_TMPDIR:-/tmp}/hpo-$SLURM_JOB_ID.$attempt/t
  unset RAY_AUTH_TOKEN
  exec python "$hpo" run "$sweep" --out "$out" --resume-or-start --address "$(cat "$dir/address")" "${options[@]}"
}

if [ -n "$killed" ]; then
  code=143
elif [ -n "$warned" ]; then
  code=75
elif stands; then
  run &
  driver=$!
  begun='' since=$SECONDS
  while lives "$driver"; do
    pause 0.3
    [ -n "$begun" ] || { [ "$out/driver.lock" -nt "$dir/address" ] && begun=1; }
    if [ -z "$deadline" ] && [ -z "$begun" ] && [ $((SECONDS - since)) -ge "$timeout" ]; then
      say "the driver has not begun within $timeout s" && note TERM 10
    elif [ -z "$lost" ] && headless; then
      lost=1 && say "the head is lost: the driver is told to end" && note TERM 10
    fi
    [ -z "$deadline" ] || [ "$SECONDS" -lt "$deadline" ] || kill -KILL "$driver" 2>/dev/null
  done
  wait "$driver"
  code=$?
  say "the driver has ended with exit code $code"
  # It may have died with the head, whose end Ray tells a moment later.
  for ((n = 0; n < 50 && code; n++)); do
    [ -z "$lost$warned$killed" ] || break
    if headless; then lost=1 && say "the head is lost too"; else pause 0.1; fi
  done
else
  code=70
  say "no cluster: $(joined) of $min_nodes nodes have joined after $SECONDS s"
fi

# The end: all nodes tidy up, and nothing waits for one that is lost.
trap '' USR1
trap 'killed=1' TERM INT
: >"$dir/stop"
for ((n = 0; n < (HPO_END_GRACE + 15) * 10; n++)); do
  waiting=0
  for pid in "$head" "${workers[@]}"; do if lives "$pid"; then waiting=1; fi; done
  [ $waiting -eq 1 ] || break
  pause 0.1
done
for pid in "$head" "${workers[@]}"; do pkill -KILL -P "$pid" || lives "$pid" && kill -KILL "$pid"; done 2>/dev/null
rm -rf "$dir"/{token,address,joined,*.up}
[ -n "$(compgen -G "$dir/*.ray")" ] || [ "$code" -ne 0 ] || rm -rf "$dir"
rmdir "$out/slurm" 2>/dev/null

# Slurm's requeue is the only one who starts it again; the driver goes on with the run directory.
if [ "$code" -eq 75 ] && seconds=$(left) && [ "$seconds" -lt $((warning + 60)) ]; then warned=1; fi
if [ -n "$warned" ] && { [ "$code" -eq 75 ] || [ "$code" -gt 130 ]; }; then again=1; else again=$lost; fi
if [ -z "$killed" ] && [ "$code" -ne 0 ] && [ -n "$again" ]; then
  if [ "$attempt" -lt "$HPO_MAX_REQUEUES" ]; then
    say "requeue $((attempt + 1)) of $HPO_MAX_REQUEUES: goes on with $out"
    trap 'exit "$code"' TERM # by which Slurm ends this attempt
    for n in 1 2 3; do timeout 60 scontrol requeue "$job" && pause 120; done
    say "not requeued"
  else
    say "was requeued $attempt times already"
  fi
  say "to go on: sbatch … $here/submit.sh $sweep --out $out"
fi
exit "$code"
