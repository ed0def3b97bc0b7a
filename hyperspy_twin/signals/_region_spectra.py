"""Spectra of the regions of an image, computed when they are shown."""

from __future__ import annotations

from typing import Any

import numpy as np
from hyperspy.signals import LazySignal2D

from hyperspy_twin.core import Grid


def stack_of_regions(
    image: np.ndarray,
    grid: Grid,
    labels: np.ndarray,
    regions: list[int],
    axes: list[dict[str, Any]],
) -> LazySignal2D:
    """Lazy stack of the spectrum of each region, on the reciprocal axes (y, x)."""
    import dask
    import dask.array

    from hyperspy_twin.spectra import region_amplitude

    one = dask.delayed(lambda region: region_amplitude(image, grid, labels == region))
    planes = [dask.array.from_delayed(one(n), grid.shape, np.float32) for n in regions]
    navigation = {"name": "region", "size": len(regions), "navigate": True}
    if np.all(np.diff(regions) == 1):
        navigation |= {"offset": regions[0], "scale": 1}
    else:
        navigation["axis"] = regions
    stack = LazySignal2D(dask.array.stack(planes), axes=[navigation, *axes])
    stack.metadata.General.title = "Amplitude of the fringes of each region"
    return stack
