"""Plane lattices of spots: their search, superlattices, satellites and evidence."""
