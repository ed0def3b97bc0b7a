"""How well a fitted place is known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hyperspy_twin.composition.placement.fit import Fit, MapImage

BLOCKS = 4


class Information(NamedTuple):
    model: np.ndarray
    shared: np.ndarray
    noise: float


def shared_information(fit: Fit, recorded: MapImage) -> Information:
    inverse = np.linalg.inv(fit.matrix[:, :2])
    values = np.where(np.isfinite(fit.residual), recorded.values, np.nan)
    slopes = []
    for image in (fit.model, values):
        y = (image[2:, 1:-1] - image[:-2, 1:-1]) / (2 * recorded.grid.scale[1])
        x = (image[1:-1, 2:] - image[1:-1, :-2]) / (2 * recorded.grid.scale[0])
        slopes.append(np.stack([x.ravel(), y.ravel()], axis=1))
    good = np.isfinite(slopes).all(axis=(0, 2))
    model, own = (one[good] @ inverse for one in slopes)
    model = model - model.mean(axis=0)
    own = own - own.mean(axis=0)
    square = model.T @ model
    shared = (model.T @ own + own.T @ model) / 2
    rest = own - model
    return Information(square, shared, rest.T @ rest / len(rest))
