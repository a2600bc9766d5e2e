"""Renders one masked face: parameters, fit, warp, light, compositing, camera."""
