"""The driver's side of a micro-batch: protocol.py plans, runs and records; beside it what it keeps in the checkpoint and gathers."""
