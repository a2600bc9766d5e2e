"""The classifier: heads on a backbone, and how they are fitted."""
