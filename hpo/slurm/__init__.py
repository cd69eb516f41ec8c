"""Runs a sweep as a Slurm job; the scripts for that stand in scripts/, the repository's slurm/."""
