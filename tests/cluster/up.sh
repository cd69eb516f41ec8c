#!/usr/bin/env bash
# A real Slurm cluster on this machine: every node is a set of Linux namespaces (network, host name, processes,
# mounts) with two addresses, a /tmp, /dev/shm and /run of its own, and fake GPUs.
#
#   LAB=/var/tmp/lab tests/cluster/up.sh && . /var/tmp/lab/env.sh && sbatch …
#   tests/cluster/node.sh off node2; tests/cluster/left.sh; tests/cluster/down.sh
#
# Needs root and munge slurmctld slurmd slurm-client slurm-wlm-basic-plugins iproute2, but no systemd.
# All folders but /tmp, /run and /dev/shm are the nodes' common ones; those of SHARE are so too.
set -euo pipefail
export LAB=${LAB:-/var/tmp/hpo-lab} # not in /tmp; all users must be able to reach it
NODES=${NODES:-3} CPUS=${CPUS:-8} MEM=${MEM:-10000} GPUS=${GPUS:-5} SHM=${SHM:-1g} SHARE=${SHARE:-}
here=$(cd "$(dirname "$0")" && pwd)
controller=$(hostname -s)
[ "$(id -u)" -eq 0 ] || { echo "only root can make namespaces and networks" >&2; exit 1; }
[ ! -e "$LAB/run/vars" ] || { echo "$LAB is up already" >&2; exit 1; }
mkdir -p "$LAB"/{etc,run,log,state,spool,nodes}
chmod 755 "$LAB" "$LAB"/*
for ((ID = 1; ID < 250; ID++)); do # several labs do not meet: the first number whose bridge can be made
  if ip link add "hpo${ID}b1" type bridge 2>/dev/null; then break; fi
done
NET=10.77.$ID NET2=10.78.$ID # two networks, say Ethernet and InfiniBand
printf '%s=%q\n' ID "$ID" LAB "$LAB" NODES "$NODES" NET "$NET" NET2 "$NET2" SHM "$SHM" SHARE "$SHARE" >"$LAB/run/vars"
printf 'export SLURM_CONF=%q LAB=%q\n' "$LAB/etc/slurm.conf" "$LAB" >"$LAB/env.sh"
export SLURM_CONF=$LAB/etc/slurm.conf

{
  printf '127.0.0.1 localhost\n%s.254 %s\n' "$NET" "$controller"
  for ((i = 1; i <= NODES; i++)); do printf '%s.%d node%d\n' "$NET" "$i" "$i"; done
} >"$LAB/etc/hosts"
for ((i = 0; i < GPUS; i++)); do # only for devices does Slurm set CUDA_VISIBLE_DEVICES; these are /dev/null
  mknod -m 666 "$LAB/etc/gpu$i" c 1 3
  echo "Name=gpu File=$LAB/etc/gpu$i" >>"$LAB/etc/gres.conf"
done
cat >"$SLURM_CONF" <<EOF
ClusterName=lab
# so that job ids do not repeat when the lab is made again
FirstJobId=$(($(date +%s) / 5 % 10000000 + 1000))
SlurmctldHost=$controller($NET.254)
SlurmctldPort=$((16000 + ID))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# cred_expire is also what a requeued job waits before it starts again: 2 minutes otherwise
AuthInfo=socket=$LAB/run/munge.socket,cred_expire=5
StateSaveLocation=$LAB/state
SlurmdSpoolDir=$LAB/spool/%n
SlurmctldPidFile=$LAB/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldLogFile=$LAB/log/slurmctld.log
SlurmdLogFile=$LAB/log/slurmd.%n.log
# does not end what has left its process group, as cgroups would: what a job leaves behind is seen
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0,sched_min_interval=100000
DefMemPerCPU=500
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
# nodes may have more than this machine
SlurmdParameters=config_overrides
SlurmctldTimeout=10
SlurmdTimeout=15
MessageTimeout=10
KillWait=${KILLWAIT:-10}
MinJobAge=3600
InactiveLimit=0
GresTypes=gpu
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
$(for ((i = 1; i <= NODES; i++)); do
  echo "NodeName=node$i NodeAddr=$NET.$i CPUs=$CPUS RealMemory=$MEM Gres=gpu:$GPUS State=UNKNOWN"
done)
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=2
EOF

mungekey -c -k "$LAB/run/munge.key"
munged --socket="$LAB/run/munge.socket" --key-file="$LAB/run/munge.key" --pid-file="$LAB/run/munged.pid" \
  --log-file="$LAB/log/munged.log" --seed-file="$LAB/run/munged.seed"
ip link add "hpo${ID}b2" type bridge
ip address add "$NET.254/24" dev "hpo${ID}b1"
ip address add "$NET2.254/24" dev "hpo${ID}b2"
for f in 1 2; do ip link set "hpo${ID}b$f" up; done
slurmctld -c -f "$SLURM_CONF"
for ((i = 1; i <= NODES; i++)); do "$here/node.sh" boot "node$i"; done
for ((i = 0; i < 300; i++)); do
  [ "$(sinfo -h -N -p main -t idle -o %N 2>/dev/null | sort -u | wc -l)" -eq "$NODES" ] && exit 0
  sleep 0.1
done
sinfo -N -o '%N %T %E' >&2
exit 1
