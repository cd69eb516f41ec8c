"""Where integrations look for wandb's inner modules."""
