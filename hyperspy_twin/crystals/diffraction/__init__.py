"""Reflections, zone patterns and symmetry of a crystal."""
