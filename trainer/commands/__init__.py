"""The trainer's commands: train, evaluate, export."""
