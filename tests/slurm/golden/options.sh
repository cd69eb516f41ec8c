#!/usr/bin/env bash
#SBATCH --job-name=mine
#SBATCH --nodes=5
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=32
#SBATCH --gpus-per-node=a100:4
#SBATCH --time=1:30:00
#SBATCH --partition=cpu
#SBATCH --account="m 1234"
#SBATCH --chdir=/here
#SBATCH --output=/here/runs/mine/slurm-%j.log
#SBATCH --open-mode=append
#SBATCH --export=NONE
#SBATCH --signal=B:USR1@300
#SBATCH --requeue
#SBATCH --no-kill
#SBATCH --qos=low
#SBATCH --exclusive
#SBATCH --mail-type=END
#SBATCH --hold

export PYTHONPATH=/opt/mine:/here/lib${PYTHONPATH:+:$PYTHONPATH}
module load gcc/12 cuda/12.4
module load cuda
export DATA=/scratch/data
export PATH=/python:$PATH
export HPO_WARNING=300 HPO_MAX_REQUEUES=3
exec bash /scripts/submit.sh /here/runs/mine/sweep.yaml --out /here/runs/mine --count 9 --prior /here/before --set parameters.x.max=2.0 --min-nodes 3
