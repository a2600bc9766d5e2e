"""Painting primitives: layers with alpha, boards, palettes, patterns, cloth, hair."""
