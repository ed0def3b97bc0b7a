"""Regions of an image and their outlines."""
