"""The process is killed right after it has logged a step: that step must not be lost."""

import os
import signal

import wandb

wandb.init()
wandb.log({"loss": 3.0}, step=1)
wandb.log({"epoch": 2}, step=2)
wandb.log({"loss": 2.0}, step=2)
os.kill(os.getpid(), signal.SIGKILL)
