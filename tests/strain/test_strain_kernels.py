"""Kernels of the strain engine: as they are written, and whatever the number of threads."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import scipy.fft
from scipy.ndimage import distance_transform_edt

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import geometric_phase_analysis
from hyperspy_twin.strain.bragg.taper import rising
from hyperspy_twin.strain.coarse_grid import make_coarse_grid
from hyperspy_twin.strain.coarse_grid.splines import choose_pixels, gather
from hyperspy_twin.strain.gaussian_windows import combine_moments, normalise
from hyperspy_twin.strain.pieces import (
    distance_along_y,
    distance_to_outline,
    find_pieces,
    rise_of_boxes,
    smooth_inside,
    smooth_rows,
)

RNG = np.random.default_rng(0)


def assert_same(function, *arguments):
    """Compiled and written function give the same."""
    for one, other in zip(function(*arguments), function.py_func(*arguments), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-6)


def written(function, arguments, shape, dtype):
    """Write to an array with the compiled and with the written function, which agree."""
    found = []
    for one in (function, function.py_func):
        found.append(np.zeros(shape, dtype))
        one(*arguments, found[-1])
    np.testing.assert_allclose(*found, rtol=1e-5)
    return found[0]


@pytest.mark.parametrize("scale", [(1.0, 1.0), (0.05, 0.07)])
def test_distance_to_the_outline_is_exact(scale):
    y, x = np.mgrid[:60, :71]
    for mask in (
        np.hypot(x - 30, y - 28) < 25,
        RNG.random((60, 71)) > 0.03,
        (np.abs(x - 35) < 9) | (np.abs(y - 30) < 7),
    ):
        labels = np.where(mask, 1, 0)
        piece = find_pieces(labels, Grid(mask.shape, scale), 0.05 * scale[0])[0]
        inside = np.zeros(mask.shape, bool)
        inside[piece.box] = piece.mask
        found = np.zeros(mask.shape)
        found[piece.box] = piece.distance
        true = distance_transform_edt(np.pad(inside, 1), sampling=scale[::-1])[1:-1, 1:-1]
        true = np.where(inside, true - 0.5 * min(scale), 0.0)
        np.testing.assert_allclose(found, true, rtol=1e-5, atol=1e-6)


def test_compiled_distances_are_the_written_ones():
    mask = RNG.random((9, 11)) > 0.2
    above = distance_along_y(mask)
    np.testing.assert_array_equal(above, distance_along_y.py_func(mask))
    distance = written(distance_to_outline, (above, 1.0, 1.5), mask.shape, np.float32)
    np.testing.assert_allclose(
        rising(distance[4], 2.0), rising.py_func(distance[4], 2.0), rtol=1e-5
    )
    rise = rise_of_boxes(1.3)
    taps = np.diff(rise_of_boxes(0.9), prepend=np.float32(0.0))
    arguments = (distance, 1.2, 4.0, rise, taps, 1, 8)
    np.testing.assert_allclose(
        smooth_inside(*arguments), smooth_inside.py_func(*arguments), atol=1e-6
    )


@pytest.mark.parametrize("scale", [(1.0, 1.0), (0.8, 1.25)])
def test_weights_are_the_shrunk_piece_smoothed_by_boxes(scale):
    """Also where only some rows are asked for."""
    y, x = np.mgrid[:90, :101]
    mask = (np.hypot(x - 50, y - 44) < 40) & ~((np.abs(x - 60) < 3) & (y < 50))
    piece = find_pieces(mask.astype(int), Grid(mask.shape, scale), 5.0)[0]
    width = 5.0
    inside = np.pad(piece.distance >= 1.5 * width, 40).astype(float)
    for axis, step in ((0, scale[1]), (1, scale[0])):
        frequency = np.fft.fftfreq(inside.shape[axis], step)
        box = np.sinc(frequency * width) ** 3 * np.sinc(frequency * step)
        box = box if axis else box[:, None]
        inside = np.fft.ifft(np.fft.fft(inside, axis=axis) * box, axis=axis).real
    weights = piece.weights(5.0, scale)
    expected = np.where(piece.mask, inside[40:-40, 40:-40], 0.0)
    found = weights(0, len(piece.mask))
    np.testing.assert_allclose(found, expected, atol=5e-3)
    np.testing.assert_allclose(
        smooth_rows(piece.distance, 1.5 * width, scale)(20, 31), found[20:31]
    )
    assert found.max() == 1.0 and found.min() == 0.0


def test_compiled_waves_and_windows_are_the_written_ones():
    shape = (4, 5)
    fields = RNG.normal(size=(3, *shape)) + 1j * RNG.normal(size=(3, *shape))
    mass = np.maximum(RNG.random(shape) - 0.3, 0).astype(np.float32)
    centroid = RNG.normal(size=(2, *shape)).astype(np.float32)
    inverse = RNG.normal(size=(2, 2, *shape)).astype(np.float32)
    turns = RNG.normal(size=5), RNG.normal(size=4)
    assert_same(
        normalise, *fields.astype(np.complex64), mass, centroid, inverse, *turns, 2.5, 2.4, 0.3
    )
    moments = RNG.random((2, 6, *shape)).astype(np.float32)
    moments[0, 0] *= 0.1
    moments[:, 1:] *= 0.02
    assert_same(combine_moments, *moments, 1.5, 0.02)


def test_compiled_choice_of_coefficients_and_pixels_is_the_written_one():
    spectrum = (RNG.normal(size=(6, 4)) + 1j * RNG.normal(size=(6, 4))).astype(np.complex64)
    row, column = np.array([0, 1, 5]), np.array([0, 1, 2])
    behind = np.array([False, True, False])
    written(gather, (spectrum, row, -row % 6, column, behind), (3, 3), np.complex64)
    coarse = make_coarse_grid((40, 30), (1.0, 1.0), 8.0)
    y, x = (coarse._spline(axis, 1) for axis in (0, 1))
    nodes, pixels = RNG.random(coarse.nodes) > 0.3, RNG.random((40, 30)) > 0.1
    arguments = (nodes, pixels, y.first, y.weights, x.first, x.weights)
    found = written(choose_pixels, arguments, (40, 30), bool)
    np.testing.assert_array_equal(found, pixels & (coarse.to_pixels(nodes, degree=1) > 0.5))


def test_pruned_spectrum_is_that_of_the_weighted_image():
    coarse = make_coarse_grid((70, 90), (1.0, 1.0), 6.0)
    image, weights = RNG.normal(size=(2, 70, 90))
    weights[20:60] = weights[20]
    for part in (image, np.ones_like(image)):
        whole = scipy.fft.rfft2((part * weights).astype(np.float32), coarse.padded)
        found = coarse.spectrum(part, weights, 17)
        np.testing.assert_allclose(found, whole[:, :17], atol=1e-4 * np.abs(whole).max())
    with pytest.raises(IndexError, match="was not computed"):
        coarse.crop(found, (30, 0))


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one thread only")
def test_number_of_threads_does_not_matter():
    grid = Grid((180, 200), (1.0, 1.0))
    y, x = np.mgrid[:180, :200]
    vectors = np.array([[1, 0], [0, 1], [1, 1]]) / 10
    image = sum(np.cos(2 * np.pi * (g[0] * x + g[1] * y)) for g in vectors)
    image = image + RNG.normal(size=grid.shape)
    labels = np.where(np.hypot(x - 90, y - 80) < 60, 2, 1)
    found = []
    for threads in (1, numba.config.NUMBA_NUM_THREADS):
        numba.set_num_threads(threads)
        found.append(
            geometric_phase_analysis(
                image, grid, vectors, resolution=10.0, reference=labels == 1, labels=labels
            )
        )
    for name in ("e_xx", "rotation", "sigma_xy", "u_y"):
        np.testing.assert_array_equal(*(getattr(one, name) for one in found))
