"""Regions by the foundation model Segment Anything."""
