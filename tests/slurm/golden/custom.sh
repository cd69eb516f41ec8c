#!/usr/bin/env bash
#SBATCH --job-name=mine
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --chdir=/here
#SBATCH --output=/here/runs/mine/slurm-%j.log
#SBATCH --open-mode=append
#SBATCH --export=NONE
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --no-kill

export PYTHONPATH=/here/sub${PYTHONPATH:+:$PYTHONPATH}
export PATH=/python:$PATH
export HPO_WARNING=120 HPO_MAX_REQUEUES=20
exec bash /scripts/submit.sh /here/runs/mine/sweep.yaml --out /here/runs/mine --count 3
