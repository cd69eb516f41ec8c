"""The arithmetic of populations: who takes over from whom, and with which configuration; no Ray."""
