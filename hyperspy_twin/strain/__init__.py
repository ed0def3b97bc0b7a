"""Geometric phase analysis."""
