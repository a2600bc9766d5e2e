"""Mask templates: the PNG with its JSON, and the anchors that tie it to landmarks."""
