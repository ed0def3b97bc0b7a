"""Misfit and tilt at interfaces, of two lattices that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.core import Grid, adjacent_regions
from hyperspy_twin.strain import geometric_phase_analysis
from hyperspy_twin.strain.mechanics import Analysis, MeasuredStrain
from hyperspy_twin.strain.mechanics.deformation import frame_axes
from hyperspy_twin.strain.mechanics.misfits import compare_lattices
from hyperspy_twin.strain.plan import MARGIN
from hyperspy_twin.strain.reference import reference_mask

GRID = Grid((220, 240), (0.05, 0.05))
RESOLUTION = 0.6
VECTORS = np.array([[2.5, 0.1], [-0.1, 2.5], [2.4, 2.6]])


def turn_by(degrees):
    """Rotation counter-clockwise on the screen, where y points down."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, sine], [-sine, cosine]])


def change_of(angle, along, across, tilt):
    """Deformation that stretches along and across a direction, and turns then."""
    axes = frame_axes(angle)
    return turn_by(tilt) @ axes.T @ np.diag([1 + along, 1 + across]) @ axes


def lattice(deformation, where):
    """Fringes of a deformed lattice in some pixels."""
    y, x = np.mgrid[: GRID.shape[0], : GRID.shape[1]] * GRID.scale[0]
    local = VECTORS @ np.linalg.inv(deformation)
    return where * sum(np.cos(2 * np.pi * (g[0] * x + g[1] * y)) for g in local)


def two_blocks(angle, change, noise=0.0, seed=0, base=None, definition="lagrangian"):
    """Strain of two blocks that meet in a straight interface; the second is changed."""
    base = np.eye(2) if base is None else base
    y, x = np.indices(GRID.shape) - (np.array(GRID.shape) / 2)[:, None, None]
    normal = frame_axes(angle)[1]
    labels = np.where(x * normal[0] + y * normal[1] < 0, 1, 2)
    image = lattice(base, labels == 1) + lattice(change @ base, labels == 2)
    image += np.random.default_rng(seed).normal(scale=noise, size=GRID.shape)
    mask = reference_mask(labels, 1, MARGIN * RESOLUTION / GRID.scale[0])
    field = geometric_phase_analysis(
        image,
        GRID,
        VECTORS @ np.linalg.inv(base),
        resolution=RESOLUTION,
        reference=mask,
        labels=labels,
        definition=definition,
    )
    analysis = Analysis(labels, GRID, RESOLUTION, field.vectors, 1, field.noise)
    components = np.stack([field.e_xx, field.e_yy, field.e_xy, field.rotation]).astype(float)
    sigmas = np.stack([field.sigma_xx, field.sigma_yy, field.sigma_xy])
    return MeasuredStrain(components, sigmas, labels, GRID, field.definition, analysis=analysis)


@pytest.mark.parametrize(
    ("angle", "along", "across", "tilt"),
    [
        (0.0, 0.0, 0.02, 0.0),
        (30.0, 0.01, -0.02, 1.5),
        (-70.0, 0.05, 0.05, -2.0),
        (90.0, 0.1, 0.1, 0),
    ],
)
@pytest.mark.parametrize("definition", ["lagrangian", "eulerian"])
def test_misfit_and_tilt_of_two_blocks(angle, along, across, tilt, definition):
    measured = two_blocks(angle, change_of(angle, along, across, tilt), definition=definition)
    (found,) = measured.misfits(RESOLUTION)
    assert (found.first, found.second) == (1, 2)
    assert found.angle == pytest.approx(angle, abs=0.5)
    assert found.length == pytest.approx(12.0, rel=0.2)
    # The staircase of pixels that stands for the interface is off by up to 0.2 degrees.
    assert found.values[0] == pytest.approx(along, abs=3e-4)
    assert found.values[1] == pytest.approx(across, abs=3e-4)
    # The antisymmetric part of an Eulerian gradient is not the angle of a finite rotation.
    assert found.values[2] == pytest.approx(tilt, abs=0.01)


def test_errors_are_those_of_the_noise():
    """Both lattices are measured near the interface: the error of the reference does not matter."""
    angle, truth = 25.0, (0.01, 0.03, 1.0)
    change = change_of(angle, *truth)
    found = [two_blocks(angle, change, 1.5, seed).misfits(RESOLUTION)[0] for seed in range(24)]
    values, errors = (
        np.array([one.values for one in found]),
        np.array([one.errors for one in found]),
    )
    chi = np.sqrt(np.mean(((values - values.mean(axis=0)) / errors) ** 2, axis=0) * 24 / 23)
    assert ((chi > 0.7) & (chi < 1.3)).all(), chi
    bias = np.abs(values.mean(axis=0) - truth)
    assert (bias < 3 * errors.mean(axis=0) / np.sqrt(24) + [2e-4, 2e-4, 0.01]).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    angle=st.floats(-90, 90),
    along=st.floats(-0.15, 0.15),
    across=st.floats(-0.15, 0.15),
    tilt=st.floats(-30, 30),
    shear=st.floats(-0.1, 0.1),
)
def test_the_lattice_of_the_reference_cancels(angle, along, across, tilt, shear):
    before = np.array([[1.02, shear], [0.03, 0.97]])
    change = change_of(angle, along, across, tilt)
    values, errors = compare_lattices(before, change @ before, angle)
    np.testing.assert_allclose(values, (along, across, tilt), atol=1e-9)
    assert np.isnan(errors).all()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    angle=st.floats(-90, 90),
    along=st.floats(-0.1, 0.1),
    tilt=st.floats(-20, 20),
    seed=st.integers(0, 100),
)
def test_errors_are_derivatives_of_the_values(angle, along, tilt, seed):
    """Against differences, with any covariance of the two gradients in the image."""
    rng = np.random.default_rng(seed)
    before = np.eye(2) + rng.normal(scale=0.05, size=(2, 2))
    after = change_of(angle, along, -along, tilt) @ before
    roots = rng.normal(size=(2, 4, 4))
    covariances = [(root @ root.T).reshape(2, 2, 2, 2) for root in roots]
    _, errors = compare_lattices(before, after, angle, covariances)
    step, slopes = 1e-6, np.zeros((2, 4, 3))
    for which in (0, 1):
        for entry in range(4):
            ends = []
            for sign in (1, -1):
                pair = [np.eye(2) - np.linalg.inv(one) for one in (before, after)]
                pair[which].ravel()[entry] += sign * step
                moved = [np.linalg.inv(np.eye(2) - one) for one in pair]
                ends.append(np.array(compare_lattices(*moved, angle)[0]))
            slopes[which, entry] = (ends[0] - ends[1]) / (2 * step)
    expected = sum(
        np.einsum("ik,ij,jk->k", slope, one.reshape(4, 4), slope)
        for slope, one in zip(slopes, covariances, strict=True)
    )
    np.testing.assert_allclose(errors, np.sqrt(expected), rtol=1e-5)


def test_a_particle_in_a_crystal_has_a_tilt_only():
    y, x = np.indices(GRID.shape) - (np.array(GRID.shape) / 2)[:, None, None]
    labels = np.where(np.hypot(x, y) < 60, 2, 1)
    components = np.where(labels == 2, np.array([0.01, 0.01, 0.0, 2.0])[:, None, None], 0.0)
    measured = MeasuredStrain(components, np.zeros((3, *GRID.shape)), labels, GRID, "lagrangian")
    (found,) = measured.misfits(RESOLUTION)
    assert np.isnan([found.length, found.angle, *found.values[:2]]).all()
    assert found.values[2] == pytest.approx(2.0, abs=1e-6)


def test_regions_without_a_lattice_and_corners_have_no_interface():
    labels = np.ones(GRID.shape, int)
    labels[:110, 120:], labels[110:, :120], labels[110:, 120:] = 2, 3, 4
    labels[109, 119] = 4
    components = np.zeros((4, *GRID.shape))
    components[:, labels == 3] = np.nan
    measured = MeasuredStrain(components, np.zeros((3, *GRID.shape)), labels, GRID, "lagrangian")
    pairs = [(one.first, one.second) for one in measured.misfits(RESOLUTION)]
    assert pairs == [(1, 2), (2, 4)]
    assert adjacent_regions(labels) == [(1, 2), (1, 3), (1, 4), (2, 4), (3, 4)]


def test_a_thin_layer_is_measured_in_its_core():
    labels = np.ones(GRID.shape, int)
    labels[100:116], labels[116:] = 2, 3
    components = np.zeros((4, *GRID.shape))
    components[1, labels == 2] = 0.02
    components[1, [100, 115]] = 0.5  # a rim that mixes the lattices
    measured = MeasuredStrain(components, np.zeros((3, *GRID.shape)), labels, GRID, "lagrangian")
    found = measured.misfits(RESOLUTION)
    assert [one.values[1] for one in found] == pytest.approx([0.02, 1 / 1.02 - 1], abs=1e-9)
