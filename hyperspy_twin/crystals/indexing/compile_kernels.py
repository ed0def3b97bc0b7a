"""Program that compiles the kernels of indexing into their cache, beside another process.

They take longest of all, and they are needed last: see :mod:`hyperspy_twin.core.kernels`.
"""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import Peaks
from hyperspy_twin.crystals.indexing.region_indexing import index_regions
from hyperspy_twin.crystals.structures import catalogue


def main() -> None:
    """Index a thin crystal along [111] that has a peak too many."""
    silicon = catalogue.get("Si")
    turns = np.exp(1j * np.pi / 3 * np.arange(3))
    first = np.sqrt(8) / (0.1 * silicon.lattice[0])
    found = np.concatenate([first * turns, first / np.sqrt(3) * turns * 1j**0.333, [2.9 + 0.7j]])
    position = np.stack([found.real, found.imag], axis=1)
    peaks = Peaks(position, np.full(position.shape, 0.02), 1 / np.arange(1.0, len(found) + 1))
    index_regions([peaks], [silicon])


if __name__ == "__main__":
    main()
