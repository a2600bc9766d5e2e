"""Generating a dataset folder: settings, records, workers, resuming, formats, report."""
