"""The run directory: its journal is the truth, everything else is read from it."""
