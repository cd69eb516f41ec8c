#!/usr/bin/env bash
# What submit.sh is measured beside: the usual three scripts, with a fixed port and sleeps for readiness.
here=$SLEEPING
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
address=$(getent ahostsv4 "${nodes[0]}" | awk '{print $1; exit}')
srun --overlap --nodes=1 --ntasks=1 --nodelist="${nodes[0]}" bash "$here/start-head.sh" "$address" &
sleep 10
workers=$((${#nodes[@]} - 1))
srun --overlap --nodes=$workers --ntasks=$workers --exclude="${nodes[0]}" bash "$here/start-worker.sh" "$address:6379" &
sleep $((5 * workers))
python -m hpo run "$@" --out "runs/sweep-$SLURM_JOB_ID" --address "$address:6379"
exit
