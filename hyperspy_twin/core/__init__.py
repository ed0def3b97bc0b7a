"""The ground that every room stands on: grids, windows, outlines, lattices, records and constants."""
