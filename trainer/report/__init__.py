"""Reports of a training run: plots, the page."""
