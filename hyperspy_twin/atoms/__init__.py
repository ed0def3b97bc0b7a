"""Atomic models from lattices, outlines and displacements."""
