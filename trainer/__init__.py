"""A dataset folder in, a model folder out."""
