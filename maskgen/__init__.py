"""People without masks in, people with masks out."""

__version__ = "0.1.0"
