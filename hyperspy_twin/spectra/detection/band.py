"""The band of frequencies in which the peaks of lattices are sought."""

from __future__ import annotations

# Periods within the region: what has fewer is its shape, not a lattice.
FEWEST_PERIODS = 6
# Shortest period in pixels: detector and scan artefacts crowd the edge of the spectrum.
SHORTEST_PERIOD = 2.5
# Weakest peak as a fraction of the strongest power: the rounding error of single precision.
WEAKEST_PEAK = 1e-7
