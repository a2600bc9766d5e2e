"""Hands: anatomy, skinning, poses, and what they hold."""
