"""Interpolation from the nodes to the pixels, against SciPy's splines."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import make_interp_spline

from hyperspy_twin.strain.coarse_grid import make_coarse_grid
from hyperspy_twin.strain.coarse_grid.splines import evaluate_splines, make_spline


@pytest.mark.parametrize(
    ("shape", "resolution"), [((130, 160), 10.0), ((60, 9), 2.0), ((64, 60), 1.5), ((7, 40), 9.0)]
)
def test_interpolation_is_that_of_cubic_splines(shape, resolution):
    coarse = make_coarse_grid(shape, (1.0, 1.0), resolution)
    fields = np.random.default_rng(0).normal(size=(2, *coarse.nodes))
    mask = np.random.default_rng(1).random(shape) > 0.3
    result = np.full((2, *shape), np.nan, np.float32)
    coarse.interpolate(fields, mask, result)
    expected = fields
    for axis in (0, 1):
        count, step = coarse.nodes[axis], coarse.reduced[axis] / coarse.padded[axis]
        expected = np.moveaxis(expected, axis + 1, 0)
        spline = make_interp_spline(np.arange(count), expected, min(3, count - 1))
        expected = np.moveaxis(spline(np.arange(shape[axis]) * step), 0, axis + 1)
    np.testing.assert_allclose(result[:, mask], expected[:, mask], atol=5e-6)
    assert np.isnan(result[:, ~mask]).all()
    np.testing.assert_allclose(coarse.to_pixels(fields[0])[mask], expected[0][mask], atol=5e-6)


@pytest.mark.parametrize("degree", [1, 3])
def test_compiled_interpolation_is_the_written_one(degree):
    y, x = make_spline(7, 20, 0.3, degree), make_spline(6, 16, 0.31, degree)
    fields = np.random.default_rng(0).normal(size=(2, 7, 6)).astype(np.float32)
    found = []
    for function in (evaluate_splines, evaluate_splines.py_func):
        result = np.zeros((2, 20, 16), np.float32)
        mask = np.ones((20, 16), bool)
        function(fields, y.first, y.weights, x.first, x.weights, mask, result)
        found.append(result)
    np.testing.assert_allclose(*found, atol=1e-5)
