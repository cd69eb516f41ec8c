# What start-head.sh and start-worker.sh share; they source it with DIR set. Settings, all optional:
#   HPO_INTERFACE      network interface by which all nodes reach each other: ib0, eth1 [that of Slurm's node address]
#   HPO_TMPDIR         where temporary files go: on the node itself, and short [/tmp]
#   HPO_START_TIMEOUT  seconds for the head to be ready, and for workers to join [300]
#   HPO_END_GRACE      seconds from SIGTERM to SIGKILL for what still runs at the end [5]
# shellcheck shell=bash
NODE=${SLURMD_NODENAME:-$(hostname -s)}
JOB=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID}
JOB=${JOB:-${SLURM_JOB_ID:-}} # one task of an array has the number of the whole
TIMEOUT=${HPO_START_TIMEOUT:-300}
GRACE=${HPO_END_GRACE:-5}
BASE=${HPO_TMPDIR:-/tmp}
TMP=$BASE/hpo-${SLURM_JOB_ID:-by-hand}.${SLURM_RESTART_COUNT:-0}
LOG=${DIR:?}/$NODE.log
RAY= # process of `ray start`, the leader of its session

export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$DIR/token RAY_USAGE_STATS_ENABLED=0
export RAY_enable_open_telemetry=0 RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S=0
export RAY_memory_monitor_refresh_ms=0 # it judges by the machine's memory; Slurm watches over the job's
export RAY_START_HOOK=hpo.slurm.hook.plain
unset RAY_AUTH_TOKEN RAY_ADDRESS

say() { printf '%(%T)T %s: %s\n' -1 "$NODE" "$*"; }

# pause SECONDS: a sleep that signals cut short
pause() { sleep "$1" & wait $!; }

# reachable HOST PORT: whether something listens there
reachable() { timeout 2 bash -c ": <'/dev/tcp/$1/$2'" 2>/dev/null; }

# own_addresses [INTERFACE]: «eth0 10.0.0.1, ib0 10.1.0.1»
own_addresses() {
  ip -4 -o address show scope global ${1:+dev "$1"} 2>/dev/null |
    awk '{sub("/.*", "", $4); printf "%s%s %s", separator, $2, $4; separator = ", "}'
}

# interface_address: the address of HPO_INTERFACE; ends the script where it has none
interface_address() {
  ADDRESS=$(own_addresses "$HPO_INTERFACE" | awk '{sub(",", "", $2); print $2; exit}')
  [ -n "$ADDRESS" ] || { say "HPO_INTERFACE=$HPO_INTERFACE has no IPv4 address; there are: $(own_addresses)"; end 78; }
}

# resources: options of `ray start` for what Slurm gave to this node, which is not what the machine has
resources() {
  local cpus gpus memory free store=$((256 << 20)) # trials' results pass through the store, which are small
  cpus=${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE:-$(nproc)}}
  gpus=${SLURM_GPUS_ON_NODE:-$(tr ',' '\n' <<<"${CUDA_VISIBLE_DEVICES:-}" | grep -c .)}
  memory=${SLURM_MEM_PER_NODE:-$((${SLURM_MEM_PER_CPU:-0} * cpus + ${SLURM_MEM_PER_GPU:-0} * gpus))}
  memory=$((memory << 20)) # in bytes; 0: all that there is
  free=$(($(df -B1 --output=avail /dev/shm | tail -n 1) * 9 / 10))
  [ "$free" -ge "$store" ] || store=$free
  RESOURCES=(--num-cpus="$cpus" --num-gpus="$gpus" --object-store-memory="$store")
  [ "$memory" -le $((2 * store)) ] || RESOURCES+=(--memory=$((memory - store)))
  HAS="$cpus CPUs, $gpus GPUs"
}

# prepare: tells that the script runs here; makes this node's temporary directory; removes what jobs of ours that are over left when the node was lost
prepare() {
  local old id jobs
  : >"$DIR/$NODE.up"
  if jobs=$(timeout 20 squeue -h -o %A -u "$(id -un)" 2>/dev/null); then
    for old in "$BASE"/hpo-[0-9]*.*; do
      id=${old#"$BASE"/hpo-} id=${id%.*}
      if [ -O "$old" ] && { [ "$id" = "${SLURM_JOB_ID:-}" ] || ! grep -qx "$id" <<<"$jobs"; }; then rm -rf "$old"; fi
    done
  fi
  # Unix sockets lie 64 characters below it, and the path of one has 107 at most.
  [ ${#TMP} -le 40 ] || { say "$TMP is too long a path for sockets: set HPO_TMPDIR to a shorter directory"; exit 78; }
  if ! mkdir -m 700 "$TMP" || ! mkdir "$TMP/t"; then
    say "cannot make $TMP on this node" && exit 73
  fi
}

# start_ray OPTION…: in a session of its own; trials have the same TMPDIR, so that what killed ones leave goes too
start_ray() {
  resources
  [ ! -e "$LOG" ] || mv "$LOG" "$LOG.before"
  TMPDIR=$TMP/t setsid ray start --block --temp-dir="$TMP" --node-ip-address="$ADDRESS" \
    --min-worker-port=0 --max-worker-port=0 --dashboard-agent-listen-port=0 "${RESOURCES[@]}" "$@" >"$LOG" 2>&1 &
  RAY=$!
}

# stopped: whether the job is over, for all nodes
stopped() { [ -e "$DIR/stop" ] || [ ! -e "$DIR" ]; }

running() { [ -n "$RAY" ] && kill -0 "$RAY" 2>/dev/null; }

# await_ray: until Ray says that it runs, which DIR/joined/NODE then tells; fails when it has ended or is late
await_ray() {
  until grep -q 'Ray runtime started' "$LOG" 2>/dev/null; do
    running && [ "$SECONDS" -lt "$TIMEOUT" ] || return 1
    ! stopped || end 0 # the job was over before this node had joined, perhaps once more
    pause 0.1
  done
  mkdir -p "$DIR/joined" && echo "$ADDRESS, $HAS" >"$DIR/$NODE.new" && mv "$DIR/$NODE.new" "$DIR/joined/$NODE"
}

# ours: the processes on this node that have the job's TMPDIR, Ray's and those that trials have started
ours() { mapfile -t OURS < <(grep -lszxF "TMPDIR=$TMP/t" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3); }

# end_all: SIGTERM to Ray, then to what is left, and SIGKILL after the grace
end_all() {
  local tries
  [ -z "$RAY" ] || kill -TERM -- "-$RAY" 2>/dev/null
  for ((tries = 0; tries < GRACE * 10 + 10; tries++)); do
    ours
    [ ${#OURS[@]} -gt 0 ] || return
    [ "$tries" -ne 5 ] || kill -TERM "${OURS[@]}" 2>/dev/null
    [ "$tries" -lt $((GRACE * 10)) ] || kill -KILL "${OURS[@]}" 2>/dev/null
    sleep 0.1
  done
}

# end CODE [REASON]: nothing of the job stays on this node; Ray's logs are kept where there is a reason
end() {
  trap '' TERM INT
  [ -z "${2:-}" ] || say "$2"
  if [ -n "${2:-}" ] && [ -s "$LOG" ]; then tail -n 5 "$LOG" | sed 's/^/  /'; fi
  end_all
  [ -z "${2:-}" ] || cp -r "$TMP/session_latest/logs" "$DIR/$NODE.ray" 2>/dev/null
  local tries
  for tries in 1 2 3 4 5; do
    rm -rf "$TMP" 2>/dev/null
    [ -e "$TMP" ] || break
    sleep "0.$tries"
  done
  exit "$1"
}
