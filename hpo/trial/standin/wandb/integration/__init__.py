"""wandb.integration: callbacks for training libraries."""
