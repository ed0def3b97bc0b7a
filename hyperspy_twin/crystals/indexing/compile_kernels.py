"""Program that compiles the kernels of indexing into their cache, beside another process.

They take longest of all, and they are needed last: see :mod:`hyperspy_twin.core.kernels`.
"""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import Peaks
from hyperspy_twin.crystals.indexing.region_indexing import index_regions
from hyperspy_twin.crystals.structures import catalogue


def main() -> None:
    """Index a thin crystal along [111] that has a peak too many, and a twin along [110]."""
    silicon = catalogue.get("Si")
    turns = np.exp(1j * np.pi / 3 * np.arange(3))
    first = np.sqrt(8) / (0.1 * silicon.lattice[0])
    thin = np.concatenate([first * turns, first / np.sqrt(3) * turns * 1j**0.333, [2.9 + 0.7j]])
    # Reflections (h -h l) as l + i h sqrt(2), and their images in a plane (1 -1 1).
    half = np.array([1, -1, 3, -3]) + 1j * np.sqrt(2)
    normal = (1 + 1j * np.sqrt(2)) / np.sqrt(3)
    twinned = np.concatenate([half, normal**2 * half[1:].conjugate()]) / (0.1 * silicon.lattice[0])
    index_regions([_peaks_at(thin), _peaks_at(twinned)], [silicon])


def _peaks_at(point: np.ndarray) -> Peaks:
    position = np.stack([point.real, point.imag], axis=1)
    return Peaks(position, np.full(position.shape, 0.02), 1 / np.arange(1.0, len(point) + 1))


if __name__ == "__main__":
    main()
