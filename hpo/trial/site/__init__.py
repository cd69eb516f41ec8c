"""Holds sitecustomize.py alone: this folder stands on PYTHONPATH of every trial."""
