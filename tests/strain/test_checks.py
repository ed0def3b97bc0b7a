"""Input that cannot give a strain is refused with the reason."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import geometric_phase_analysis

GRID = Grid((128, 160), (0.05, 0.05))
VECTORS = np.array([[2.5, 0.0], [0.0, 2.5]])


def analyse(**changed):
    y, x = np.mgrid[:128, :160] * 0.05
    rng = np.random.default_rng(0)
    arguments = {
        "image": np.cos(5 * np.pi * x) + np.cos(5 * np.pi * y) + rng.normal(0, 0.2, x.shape),
        "grid": GRID,
        "vectors": VECTORS,
        "resolution": 0.4,
        "reference": np.ones(GRID.shape, bool),
    }
    return geometric_phase_analysis(**{**arguments, **changed})


def hole():
    image = np.ones(GRID.shape)
    image[3, 4] = np.nan
    return image


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"vectors": np.array([[2.5, 0.0], [5.0, 0.1]])}, "collinear"),
        ({"vectors": np.array([[2.5, 0.0], [0.0, 10.5]])}, "Nyquist"),
        ({"vectors": np.array([[2.5, 0.0], [0.0, 9.9]])}, "resolution .* too small"),
        ({"vectors": np.array([2.5, 0.0])}, r"shape \(k, 2\)"),
        ({"vectors": np.array([[2.5, 0.0], [0.0, 0.0]])}, "different from zero"),
        ({"resolution": 0.2}, "too small"),
        ({"resolution": 1.7}, "image is too small"),
        ({"resolution": -1.0}, "positive"),
        ({"reference": np.zeros(GRID.shape, bool)}, "reference is empty"),
        ({"reference": np.ones((3, 3), bool)}, "reference has shape"),
        ({"labels": np.ones((3, 3), int)}, "labels have shape"),
        ({"labels": np.zeros(GRID.shape, int)}, "no analysed region"),
        ({"image": hole()}, "NaN"),
        ({"image": np.ones((5, 5))}, "image has shape"),
        ({"image": np.ones(GRID.shape)}, "no lattice"),
        ({"vectors": np.array([[3.4, 1.1], [-1.1, 3.4]])}, "no lattice"),
        ({"definition": "green"}, "definition"),
    ],
)
def test_specific_errors(changed, message):
    with pytest.raises(ValueError, match=message):
        analyse(**changed)


def test_reference_without_lattice_is_refused():
    y, x = np.mgrid[:128, :160] * 0.05
    rng = np.random.default_rng(0)
    image = np.where(x < 4.0, np.cos(5 * np.pi * x) + np.cos(5 * np.pi * y), 0.0)
    image += rng.normal(0, 0.2, x.shape)
    reference = np.zeros(GRID.shape, bool)
    reference[20:-20, 125:150] = True
    with pytest.raises(ValueError, match="no lattice"):
        analyse(image=image, reference=reference)
