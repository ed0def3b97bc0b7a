"""Regions of different lattice or texture."""
