"""Regions between the edges of an image."""
