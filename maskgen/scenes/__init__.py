"""Whole scenes for a face detector: crowds, mosaics and empty places, composed of the faces that maskgen drew."""
