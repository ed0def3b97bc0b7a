"""Lattices measured in an image of known truth, and the model built from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hyperspy_twin.atoms.model import build
from hyperspy_twin.core.grid import Grid
from hyperspy_twin.core.outlines import contains, trace
from hyperspy_twin.registration.lattices import IndexedRegion, Lattice, measure_lattices

A = 5.6  # Angstrom
GRID = Grid((260, 240), (0.04, 0.04), (1.0, -2.0))
ZINCBLENDE = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
FRACTIONAL = np.concatenate([ZINCBLENDE, ZINCBLENDE + 0.25])
# [001] up the beam, [100] to the right: image vector = crystal vector turned by half a turn.
ORIENTATION = np.diag([1.0, 1.0, 1.0])
HKL = np.array([(2, 2, 0), (2, -2, 0), (4, 0, 0), (0, 4, 0)])


def region(label, numbers, stretch=(1.0, 1.0)):
    g = 10 * HKL[:, :2] / A / np.asarray(stretch)
    return IndexedRegion(
        region=label,
        phase=f"phase {numbers[0]}",
        base=np.eye(3) * A,
        numbers=np.repeat(numbers, 4),
        fractional=FRACTIONAL,
        occupancy=np.ones(8),
        zone_axis=(0, 0, 1),
        orientation=ORIENTATION,
        hkl=HKL,
        g=g,
        error=np.full((4, 2), 1e-3),
    )


def image_of(origin, u):
    """Bright Gaussian columns of the projected lattice at R + u(r), as in a dark-field image."""
    x, y = np.meshgrid(GRID.x, GRID.y)
    reference = x - u[0] - origin[0], y - u[1] - origin[1]
    image = np.zeros(GRID.shape)
    for h in range(-6, 7):
        for k in range(-6, 7):
            f = np.exp(-2j * np.pi * FRACTIONAL[:, :2] @ [h, k]).sum() * np.exp(
                -0.1 * (h * h + k * k)
            )
            wave = np.exp(20j * np.pi * (h * reference[0] + k * reference[1]) / A)
            image += (f * wave).real
    return image


@pytest.fixture(scope="module")
def stretched():
    """Two layers, the lower one longer by 2 % along y, and what geometric phase analysis gives."""
    edge = GRID.y[130]
    y = np.broadcast_to(GRID.y[:, None], GRID.shape)
    u = np.stack([np.zeros(GRID.shape), np.where(y > edge, (y - edge) * 0.02 / 1.02, 0.0)])
    labels = np.where(y > edge, 2, 1).astype(np.int32)
    return image_of((1.07, -1.88), u), labels, u


def test_lattice_and_origin_are_those_of_the_image(stretched):
    image, labels, u = stretched
    regions = {1: region(1, (31, 33)), 2: region(2, (49, 51), (1.0, 1.02))}
    vectors = regions[1].g[:2]
    found = measure_lattices(image, GRID, labels, regions, 1, vectors, vectors, u)
    assert [lattice.displaced for lattice in found] == [True, True]
    assert [lattice.phase for lattice in found] == ["phase 31", "phase 49"]
    for lattice in found:
        np.testing.assert_allclose(lattice.lattice, np.eye(3) * A, atol=1e-6)
        # The projected lattice of zincblende along [001] repeats with a / 4 along the diagonals.
        away = (np.asarray(lattice.origin) - (1.07, -1.88)) / (A / 10)
        diagonal = np.array([away[0] + away[1], away[0] - away[1]]) * 2
        np.testing.assert_allclose(diagonal, np.rint(diagonal), atol=0.005)


def test_region_that_the_displacement_does_not_follow_gets_its_own_lattice(stretched):
    image, labels, u = stretched
    unknown = np.where(labels == 2, np.nan, u)
    regions = {1: region(1, (31, 33)), 2: region(2, (49, 51), (1.0, 1.02))}
    vectors = regions[1].g[:2]
    found = measure_lattices(image, GRID, labels, regions, 1, vectors, vectors, unknown)
    assert [lattice.displaced for lattice in found] == [True, False]
    np.testing.assert_allclose(np.diag(found[1].lattice)[:2], [A, 1.02 * A], rtol=1e-6)


def test_vectors_must_be_indexed_spots(stretched):
    image, labels, u = stretched
    with pytest.raises(ValueError, match="no indexed spot of region 1"):
        other = np.array([(1.0, 1.0), (1.0, -1.0)])
        measure_lattices(image, GRID, labels, {1: region(1, (31, 33))}, 1, other, other, u)


def test_model_has_the_spacing_and_elements_of_each_layer(stretched):
    image, labels, u = stretched
    regions = {1: region(1, (31, 33)), 2: region(2, (49, 51), (1.0, 1.02))}
    vectors = regions[1].g[:2]
    lattices = measure_lattices(image, GRID, labels, regions, 1, vectors, vectors, u)
    outlines = trace(labels, GRID)
    atoms = build(lattices, outlines, lambda p: contains(outlines, p), u, GRID, 1.1, 0)
    assert atoms.thickness == pytest.approx(2 * A)
    assert set(atoms.numbers[atoms.region == 1]) == {31, 33}
    assert set(atoms.numbers[atoms.region == 2]) == {49, 51}
    for label, spacing in ((1, A / 4), (2, 1.02 * A / 4)):
        rows = np.unique(np.round(atoms.positions[atoms.region == label, 1], 3))
        np.testing.assert_allclose(np.diff(rows)[1:-1], spacing, atol=0.01)


def test_lattice_survives_its_text(stretched):
    image, labels, u = stretched
    lattice = measure_lattices(
        image, GRID, labels, {1: region(1, (31, 33))}, 1, region(1, (31, 33)).g[:2],
        region(1, (31, 33)).g[:2], u
    )[0]  # fmt: skip
    again = Lattice.from_json(lattice.to_json())
    for name, value in vars(lattice).items():
        np.testing.assert_array_equal(getattr(again, name), value)
    assert replace(again, region=5).region == 5
