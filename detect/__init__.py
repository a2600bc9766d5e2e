"""A model folder and pictures in, who wears a mask out."""
