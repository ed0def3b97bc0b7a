"""Speed and accuracy of Bragg filters; ``python benchmarks/bragg_filter.py``.

In pairs of a float32 rfft2 and irfft2 of the padded size in the same process, 1024 x 1024, on one
processor. Accuracy: largest deviation of known waves from what the filter returns, in parts of
their amplitude.
"""

from __future__ import annotations

import os
import time

import numpy as np
import scipy.fft

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import filter_reflections, local_amplitude
from hyperspy_twin.strain.coarse_grid import make_coarse_grid

PERIOD, SIZE, MARGIN = 16.0, 1024, 120  # pixels
RESOLUTION = 1.5 * PERIOD
VECTORS = np.array([[1, 0], [0, 1], [1, 1], [1, -1]]) / PERIOD


def fastest(call) -> float:
    """Shortest of some times, in seconds."""
    times = []
    for _ in range(9):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print both tables."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    y, x = np.mgrid[:SIZE, :SIZE]
    waves = [np.cos(2 * np.pi * (g[0] * x + g[1] * y)) for g in VECTORS]
    image = np.random.default_rng(0).poisson(100 + 20 * sum(waves)).astype(np.float32)
    grid = Grid(image.shape, (1.0, 1.0))
    padded = make_coarse_grid(image.shape, grid.scale, RESOLUTION).padded
    pair = fastest(lambda: scipy.fft.irfft2(scipy.fft.rfft2(image, padded), padded))
    print(f"pair of {padded[0]} x {padded[1]}: {1e3 * pair:.1f} ms")
    print("outputs  reflections of each  pairs  each further")
    one = {}
    for beams in (2, 4):
        for count in (1, 2, 3, 5):
            groups = [VECTORS[:beams] * (1 + 0.1 * i) for i in range(count)]
            used = fastest(
                lambda g=groups: filter_reflections(image, grid, g, resolution=RESOLUTION)
            )
            used /= pair
            one.setdefault(beams, used)
            further = f"{(used - one[beams]) / (count - 1):.2f}" if count > 1 else ""
            print(f"{count:5} {beams:14} {used:17.2f}  {further}", flush=True)
    found = filter_reflections(image, grid, [VECTORS], resolution=RESOLUTION)[0]
    used = fastest(lambda: local_amplitude(found, grid, resolution=RESOLUTION)) / pair
    print(f"amplitude of one output: {used:.2f} pairs more")
    error = np.abs(
        filter_reflections(sum(waves), grid, [VECTORS[:2]], resolution=RESOLUTION)[0]
        - sum(waves[:2])
    )
    inside = error[MARGIN:-MARGIN, MARGIN:-MARGIN].max()
    print(f"deviation of known waves: {inside:.1e} inside, {error.max():.1e} up to the edge")


if __name__ == "__main__":
    main()
