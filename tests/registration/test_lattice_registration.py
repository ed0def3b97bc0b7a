"""Lattices registered in an image of known truth."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core import Grid, OrientedCrystal, Peaks, StrainField
from hyperspy_twin.registration import IndexedPeaks, register_lattices

A = 5.6  # Angstrom
GRID = Grid((260, 240), (0.04, 0.04), (1.0, -2.0))
FCC = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
FRACTIONAL = np.concatenate([FCC, FCC + 0.25])
# [001] up the beam, [100] to the right: image vector = crystal vector turned by half a turn.
ORIENTATION = np.diag([1.0, 1.0, 1.0])
HKL = np.array([(2, 2, 0), (2, -2, 0), (4, 0, 0), (0, 4, 0)])


@pytest.fixture(scope="module")
def region(make_crystal):
    def build(label, numbers, stretch=(1.0, 1.0)):
        crystal = make_crystal(f"phase {numbers[0]}", A, np.repeat(numbers, 4), FRACTIONAL)
        peaks = Peaks(
            position=10 * HKL[:, :2] / A / np.asarray(stretch),
            error=np.full((4, 2), 1e-3),
            intensity=np.ones(4),
            region=label,
        )
        return IndexedPeaks(peaks, HKL, OrientedCrystal(crystal, (0, 0, 1), ORIENTATION))

    return build


@pytest.fixture(scope="module")
def layers(region):
    return [region(1, (31, 33)), region(2, (49, 51), (1.0, 1.02))]


def strain_of(u, vectors=10 * HKL[:2, :2] / A):
    nothing = np.zeros(GRID.shape)
    return StrainField(
        e_xx=nothing,
        e_yy=nothing,
        e_xy=nothing,
        rotation=nothing,
        u_x=u[0],
        u_y=u[1],
        sigma_xx=nothing,
        sigma_yy=nothing,
        sigma_xy=nothing,
        sigma_rotation=nothing,
        vectors=np.asarray(vectors),
        amplitudes=np.ones(len(vectors)),
        resolution=0.5,
        definition="lagrangian",
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


def test_lattice_and_origin_are_those_of_the_image(stretched, layers):
    image, labels, u = stretched
    found = register_lattices(
        image, GRID, labels=labels, indexed=layers, strain=strain_of(u), reference=1
    )
    assert [lattice.region for lattice in found] == [1, 2]
    assert [lattice.displaced for lattice in found] == [True, True]
    assert [lattice.crystal.name for lattice in found] == ["phase 31", "phase 49"]
    for lattice in found:
        np.testing.assert_allclose(lattice.base, np.eye(3) * A, atol=1e-6)
        # The projected lattice of zincblende along [001] repeats with a / 4 along the diagonals.
        away = (np.asarray(lattice.origin) - (1.07, -1.88)) / (A / 10)
        diagonal = np.array([away[0] + away[1], away[0] - away[1]]) * 2
        np.testing.assert_allclose(diagonal, np.rint(diagonal), atol=0.005)


def test_region_that_the_displacement_does_not_follow_gets_its_own_lattice(stretched, layers):
    image, labels, u = stretched
    unknown = strain_of(np.where(labels == 2, np.nan, u))
    found = register_lattices(
        image, GRID, labels=labels, indexed=layers, strain=unknown, reference=1
    )
    assert [lattice.displaced for lattice in found] == [True, False]
    np.testing.assert_allclose(np.diag(found[1].base)[:2], [A, 1.02 * A], rtol=1e-6)


def test_displacement_that_no_vectors_measured(stretched, layers):
    """Strain of a computation has no reflections: the reference's own peaks fix its lattice."""
    image, labels, u = stretched
    computed = strain_of(u, np.zeros((0, 2)))
    found = register_lattices(
        image, GRID, labels=labels, indexed=layers, strain=computed, reference=1
    )
    assert [lattice.displaced for lattice in found] == [True, True]
    np.testing.assert_allclose(found[1].base, np.eye(3) * A, atol=1e-6)


def test_vectors_are_indexed_where_they_were_given(stretched, layers):
    """The lattice is that of the refined vectors, the indices those of the given ones."""
    image, labels, u = stretched
    given = layers[0].peaks.position[:2]
    refined = strain_of(np.zeros_like(u), given / 1.03)
    with pytest.raises(ValueError, match="no indexed peak of region 1"):
        register_lattices(
            image, GRID, labels=labels, indexed=layers[:1], strain=refined, reference=1
        )
    (found,) = register_lattices(
        image, GRID, labels=labels, indexed=layers[:1], strain=refined, reference=1, vectors=given
    )
    np.testing.assert_allclose(found.base, 1.03 * np.eye(3) * A, atol=1e-6)


def test_no_atoms_where_the_waves_disagree_on_the_displacement(stretched, layers):
    image, labels, u = stretched
    given = layers[0].peaks.position
    for off in (0.005, 0.05):  # 1/nm of one vector, across 10 nm
        strain = strain_of(u, given + np.outer([0, 0, 1, 0], [off, 0.0]))
        known = {"labels": labels, "strain": strain, "vectors": given, "reference": 1}
        if off < 0.01:
            assert len(register_lattices(image, GRID, indexed=layers, **known)) == 2
        else:
            with pytest.raises(ValueError, match="not those of one lattice: the waves disagree by"):
                register_lattices(image, GRID, indexed=layers, **known)


def test_what_is_missing_is_named(stretched, layers):
    image, labels, u = stretched
    known = {"labels": labels, "strain": strain_of(u)}
    with pytest.raises(ValueError, match="no indexed peak of region 1"):
        other = strain_of(u, [(1.0, 1.0), (1.0, -1.0)])
        register_lattices(image, GRID, labels=labels, indexed=layers, strain=other, reference=1)
    with pytest.raises(ValueError, match="pixel size is missing: call s.calibrate"):
        register_lattices(image, GRID, **known, indexed=layers, reference=1, calibrated=False)
    with pytest.raises(ValueError, match="no region has an indexed phase"):
        register_lattices(image, GRID, **known, indexed=[], reference=1)
    with pytest.raises(ValueError, match="region 7, has no indexed phase"):
        register_lattices(image, GRID, **known, indexed=layers, reference=7)
