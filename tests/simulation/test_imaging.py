from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline

from hyperspy_twin.simulation.imaging import add_gaussians, record_image, scattered_fraction
from hyperspy_twin.simulation.probe import Microscope
from hyperspy_twin.simulation.scan import Scan
from hyperspy_twin.simulation.scattering import detector_cross_section


def frame(**changes):
    values = {
        "shape": (64, 80),
        "pixel_size": 0.03,
        "dose": 3e4,
        "scan_jitter": 0.0,
        "drift": (0.0, 0.0),
        "tilt": (0.0, 0.0),
        "seed": 0,
    }
    return Scan(**(values | changes))


def centroid(image, pixel_size):
    row, column = np.unravel_index(image.argmax(), image.shape)
    window = image[row - 3 : row + 4, column - 3 : column + 4]
    y, x = np.mgrid[row - 3 : row + 4, column - 3 : column + 4]
    return np.array([(window * x).sum(), (window * y).sum()]) / window.sum() * pixel_size


@pytest.mark.parametrize("kernel", [add_gaussians, add_gaussians.py_func])
def test_gaussian_keeps_its_weight_and_its_position(kernel):
    image = np.zeros((40, 50))
    kernel(image, np.array([[20.3, 17.8]]), np.array([2.5]), np.array([1.5]))
    y, x = np.mgrid[:40, :50]
    assert image.sum() == pytest.approx(2.5, rel=1e-5)
    assert (image * x).sum() / image.sum() == pytest.approx(20.3, abs=1e-5)
    assert (image * (y - 17.8) ** 2).sum() / image.sum() == pytest.approx(2.25, rel=1e-4)


@given(st.floats(-30, 80), st.floats(-30, 80))
@settings(max_examples=30, deadline=None)
def test_gaussian_partly_outside_adds_only_what_is_inside(x, y):
    small, large = np.zeros((40, 50)), np.zeros((140, 150))
    add_gaussians(small, np.array([[x, y]]), np.ones(1), np.array([2.0]))
    add_gaussians(large, np.array([[x + 50, y + 50]]), np.ones(1), np.array([2.0]))
    np.testing.assert_allclose(small, large[50:90, 50:100], atol=1e-15)


def test_one_atom_scatters_its_cross_section():
    scan = frame(shape=(256, 256))
    atom = np.array([[38.0, 38.0, 0.0]])
    fraction = scattered_fraction(atom, np.array([32]), scan, Microscope())
    # The tails of an Airy pattern fall slowly: 2 / (pi u) is outside the radius.
    collected = fraction.sum() * scan.pixel_size**2
    assert collected == pytest.approx(detector_cross_section(32, Microscope()), rel=0.01)


@pytest.mark.parametrize("pixel_size", [0.015, 0.03, 0.06])
def test_image_does_not_depend_on_the_sampling(pixel_size):
    atom = np.array([[8.4, 8.4, 0.0], [12.6, 8.4, 0.0]])
    fine = frame(shape=(224, 224), pixel_size=0.0075)
    step = round(pixel_size / 0.0075)
    coarse = frame(shape=(224 // step, 224 // step), pixel_size=pixel_size)
    numbers = np.array([32, 14])
    expected = scattered_fraction(atom, numbers, fine, Microscope())[::step, ::step]
    got = scattered_fraction(atom, numbers, coarse, Microscope())
    np.testing.assert_allclose(got, expected, atol=2e-3 * expected.max())


def test_opposite_border_is_dark():
    scan = frame(shape=(128, 128))
    atom = np.array([[0.0, 19.0, 0.0]])
    image = scattered_fraction(atom, np.array([79]), scan, Microscope())
    middle, edge = image[63, 64], image[63, 127]
    assert edge < middle < 1e-3 * image.max()


def test_drift_moves_the_sample_while_it_is_scanned():
    y = 0.9 / (1 + 0.3 / (64 * 0.03))
    x = 1.2 + 0.25 * y / (64 * 0.03)
    number = np.array([32])
    moved = scattered_fraction(
        np.array([[12.0, 9.0, 0.0]]), number, frame(drift=(0.25, -0.3)), Microscope()
    )
    there = scattered_fraction(np.array([[10 * x, 10 * y, 0.0]]), number, frame(), Microscope())
    np.testing.assert_allclose(moved, there, atol=1e-12)
    assert centroid(there, 0.03) == pytest.approx([x, y], abs=3e-3)


def test_seen_points_undo_what_drift_does_to_image_points():
    scan = frame(drift=(0.25, -0.3))
    x, y = np.broadcast_arrays(*scan.seen_points())
    apparent = scan.image_points(np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)]))
    rows, columns = np.mgrid[:64, :80]
    expected = 0.03 * np.column_stack([columns.ravel(), rows.ravel()])
    np.testing.assert_allclose(apparent, expected, atol=1e-12)


def test_tilt_shears_the_depth_about_its_middle():
    atoms = np.array([[10.0, 10.0, 0.0], [10.0, 10.0, 50.0]])
    apparent = frame(tilt=(10.0, -20.0)).image_points(atoms)
    np.testing.assert_allclose(apparent, [[0.975, 1.05], [1.025, 0.95]])


def test_jitter_moves_whole_lines_by_the_offsets_it_reports():
    still, shaken = frame(), frame(scan_jitter=0.02)
    # A wall of atoms along y, so that lines differ by their x offsets alone.
    wall = np.column_stack([np.full(400, 12.0), np.linspace(-20, 40, 400), np.zeros(400)])
    numbers = np.full(400, 32)
    straight = scattered_fraction(wall, numbers, still, Microscope())
    image = scattered_fraction(wall, numbers, shaken, Microscope())
    x = np.arange(80) * 0.03
    window = np.abs(x - 1.2) < 0.25
    offset = shaken.line_offsets()[:, 0]
    moved = ((straight - image)[:, window] * x[window]).sum(1) / straight[:, window].sum(1)
    assert np.corrcoef(moved, offset)[0, 1] > 0.99
    assert offset.std() == pytest.approx(0.02, rel=0.3)
    expected = CubicSpline(x, straight[30])(x + offset[30])
    np.testing.assert_allclose(image[30, 2:-2], expected[2:-2], atol=5e-3 * straight.max())


def test_counts_are_poisson_and_proportional_to_the_dose():
    scan = frame(shape=(128, 128), dose=2e4)
    atoms = np.random.default_rng(1).uniform(-10, 50, (40_000, 3)) * [1, 1, 0.1]
    numbers = np.full(len(atoms), 32)
    expected = scattered_fraction(atoms, numbers, scan, Microscope()) * 2e4 * 0.09
    counts = record_image(atoms, numbers, scan=scan)
    assert counts.dtype == np.float32
    assert np.array_equal(counts, np.round(counts))
    assert ((counts - expected) ** 2 / expected).mean() == pytest.approx(1, abs=0.05)
    ten = record_image(atoms, numbers, scan=frame(shape=(128, 128), dose=2e5))
    assert ten.mean() / counts.mean() == pytest.approx(10, rel=0.01)


def test_too_thick_a_sample_is_refused():
    atoms = np.tile([[10.0, 10.0, 0.0]], (2000, 1))
    with pytest.raises(ValueError, match="thinner"):
        record_image(atoms, np.full(2000, 79), scan=frame())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": (8, 64)}, "shape"),
        ({"shape": (64.0, 64)}, "shape"),
        ({"shape": 64}, "shape"),
        ({"pixel_size": 0.0}, "pixel_size"),
        ({"pixel_size": np.nan}, "pixel_size"),
        ({"dose": -1.0}, "dose"),
        ({"scan_jitter": -0.1}, "scan_jitter"),
        ({"drift": (1.0,)}, "drift"),
        ({"drift": (0.0, 1.0)}, "half the field"),
        ({"tilt": (np.inf, 0.0)}, "tilt"),
        ({"tilt": (500.0, 0.0)}, "zone axis"),
        ({"seed": -1}, "seed"),
        ({"seed": 0.5}, "seed"),
    ],
)
def test_impossible_scans_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        frame(**change)


def test_a_scan_jumps_at_one_line():
    still = Scan(shape=(64, 32), scan_jitter=0.0)
    jumped = Scan(shape=(64, 32), scan_jitter=0.0, jump=(0.003, -0.001), jump_line=40)
    offsets = jumped.line_offsets() - still.line_offsets()
    np.testing.assert_allclose(offsets[:40], 0.0)
    np.testing.assert_allclose(offsets[40:], [[0.003, -0.001]] * 24)
    with pytest.raises(ValueError, match="jump"):
        Scan(jump=(1.0, 0.0))
    with pytest.raises(ValueError, match="jump_line"):
        Scan(jump_line=2000)
