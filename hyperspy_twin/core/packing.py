"""Random sequential packing of points that keep their distance.

References
----------
B. Widom, J. Chem. Phys. 44 (1966) 3888-3894.
"""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core.kernels import kernel


@kernel
def place_apart(
    trials: np.ndarray,
    placed: np.ndarray,
    cells: np.ndarray,
    edge: np.ndarray,
    count: int,
    closest: float,
    periodic: bool,
) -> int:
    """Accept, one by one, trials (n, 3) that keep their distance from all others.

    They fill ``placed``, shape (m, 3), from ``count`` on, and ``cells``: the index of the point in
    each cell of these edges, too small for two, or -1. Where the box is ``periodic``, which it is
    along z alone, images count too. Returns the number accepted so far.
    """
    size_x, size_y, size_z = cells.shape
    period = size_z * edge[2]
    reach = int(np.ceil(closest / edge[2]))
    for trial in range(trials.shape[0]):
        if count == placed.shape[0]:
            break
        i = int(trials[trial, 0] / edge[0])
        j = int(trials[trial, 1] / edge[1])
        k = int(trials[trial, 2] / edge[2])
        if periodic:
            k %= size_z
        free = True
        for a in range(max(0, i - 2), min(size_x, i + 3)):
            for b in range(max(0, j - 2), min(size_y, j + 3)):
                for step in range(-reach, reach + 1):
                    c = k + step
                    if periodic:
                        c %= size_z
                    elif c < 0 or c >= size_z:
                        continue
                    other = cells[a, b, c]
                    if free and other >= 0:
                        x = trials[trial, 0] - placed[other, 0]
                        y = trials[trial, 1] - placed[other, 1]
                        z = trials[trial, 2] - placed[other, 2]
                        if periodic:
                            z -= period * np.round(z / period)
                        free = x * x + y * y + z * z >= closest * closest
        if free:
            placed[count] = trials[trial]
            cells[i, j, k] = count
            count += 1
    return count
