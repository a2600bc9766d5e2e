"""Bytes in and out: picture formats, files written whole, JSON text."""
