"""The resolution of a strain analysis: the width of its Gaussian window."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import Peaks

# Resolution times the distance to the next reflection, which the mask exp(-2 pi^2 1.5^2) then
# suppresses to 5e-20 of its amplitude.
DEFAULT_SEPARATION = 1.5
# Fraction of the intensity of the strongest peak; weaker peaks do not disturb the phase of another.
WEAK = 0.01
# Peaks nearer to a vector than this fraction of the shortest vector are satellites, streaks or
# noise and no neighbours: a superstructure that doubles the cell is still kept out of the mask.
NEAREST_NEIGHBOUR = 0.4


def choose_resolution(vectors: np.ndarray, peaks: Peaks) -> float:
    """Choose the standard deviation of the Gaussian window in real space.

    With D the distance from the vectors to the next reflection, the resolution is 1.5 / D: one
    and a half lattice spacings, where a neighbour of equal height is suppressed by 5e-20.

    Parameters
    ----------
    vectors
        Vectors (x, y) of the analysis, shape (k, 2).
    peaks
        Peaks of the reference; opposite ones and the centre are added.

    Returns
    -------
    float
        Resolution, in the inverse of the vectors' unit.
    """
    strong = peaks.intensity > WEAK * peaks.intensity.max(initial=0.0)
    position = peaks.position[strong].reshape(-1, 2)
    others = np.concatenate([position, -position, vectors, -vectors, np.zeros((1, 2))])
    length = np.linalg.norm(vectors, axis=1)
    distance = np.linalg.norm(others[None] - vectors[:, None], axis=2)
    nearest = distance[distance > NEAREST_NEIGHBOUR * length.min()].min()
    return DEFAULT_SEPARATION / float(nearest)
