#!/usr/bin/env bash
#SBATCH --job-name=mine
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=32
#SBATCH --gpus-per-node=a100:4
#SBATCH --time=12:00:00
#SBATCH --partition=gpu
#SBATCH --account="m 1234"
#SBATCH --chdir=/here
#SBATCH --output=/here/runs/mine/slurm-%j.log
#SBATCH --open-mode=append
#SBATCH --export=NONE
#SBATCH --signal=B:USR1@300
#SBATCH --requeue
#SBATCH --no-kill
#SBATCH --qos=high
#SBATCH --exclusive
#SBATCH --mail-type=END

module load cuda
export DATA=/scratch/data
export PATH=/python:$PATH
export HPO_WARNING=300 HPO_MAX_REQUEUES=3
exec bash /scripts/submit.sh /here/runs/mine/sweep.yaml --out /here/runs/mine
