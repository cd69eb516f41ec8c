"""Holds the stand-in `wandb`; this folder is searched only where the real package is absent."""
