from __future__ import annotations

import numpy as np
import pytest


def spots(shape, centres, fwhm):
    """Gaussian spots of height 1."""
    y, x = (np.arange(size) for size in shape)
    width = fwhm / np.sqrt(8 * np.log(2))
    image = np.zeros(shape)
    for across, down in centres:
        profile = [
            np.exp(-((axis - c) ** 2) / (2 * width**2)) for axis, c in ((y, down), (x, across))
        ]
        image += np.outer(*profile)
    return image


@pytest.fixture(scope="session")
def make_spots():
    return spots


@pytest.fixture(scope="session")
def lattice():
    """Columns of 4 pixels full width, 12.3 pixels apart, of 100 counts on 30."""
    y, x = np.mgrid[:200, :240] % 12.3 - 6.15
    counts = 30 + 100 * np.exp(-(x**2 + y**2) / (2 * 1.7**2))
    return np.random.default_rng(4).normal(counts, 10)
