"""What every training loop shares: steps, checkpoints, progress, the run folder."""
