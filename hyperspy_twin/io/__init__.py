"""Vendor files in, atomic models out."""
