"""Metrics: classification, detection, average precision, intervals."""
