"""Settings records of a training run."""
