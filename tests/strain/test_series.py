"""Images that are compared with the lattice of another image, and the drift between them."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core import Grid
from hyperspy_twin.strain import geometric_phase_analysis
from hyperspy_twin.strain.comparison.drift import find_drift, slow_contrast

GRID = Grid((200, 220), (0.05, 0.05))
VECTORS = np.array([[2.5, 0.1], [-0.1, 2.5], [2.4, 2.6]])
RESOLUTION = 0.6
PIXELS = Grid((256, 240), (0.05, 0.05))


def expanded(strain, noise=0.0, seed=0):
    y, x = np.mgrid[: GRID.shape[0], : GRID.shape[1]] * GRID.scale[0]
    stretched = VECTORS @ np.linalg.inv(np.eye(2) + strain)
    image = sum(np.cos(2 * np.pi * (g[0] * x + g[1] * y)) for g in stretched)
    return image + np.random.default_rng(seed).normal(scale=noise, size=GRID.shape)


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize(
    "strain", [np.diag([0.003, 0.001]), np.array([[0.02, 0.01], [-0.01, 0.03]])]
)
def test_fixed_vectors_show_how_the_reference_itself_changes(strain, labelled):
    reference = np.zeros(GRID.shape, bool)
    reference[50:-50, 50:-50] = True
    options = {
        "resolution": RESOLUTION,
        "reference": reference,
        "labels": np.ones(GRID.shape, int) if labelled else None,
    }
    image = expanded(strain)
    own = geometric_phase_analysis(image, GRID, VECTORS, **options)
    fixed = geometric_phase_analysis(image, GRID, VECTORS, fixed=True, **options)
    inner = (slice(40, -40), slice(40, -40))
    for name, value in {
        "e_xx": strain[0, 0],
        "e_yy": strain[1, 1],
        "e_xy": (strain[0, 1] + strain[1, 0]) / 2,
    }.items():
        assert getattr(own, name)[inner] == pytest.approx(0, abs=1e-4)
        assert getattr(fixed, name)[inner] == pytest.approx(value, abs=1e-4)
    np.testing.assert_array_equal(fixed.vectors, VECTORS)
    # The displacement is that of the expansion, with zero mean in the reference.
    assert np.nanmean(fixed.u_x[reference]) == pytest.approx(0, abs=1e-3)
    step = fixed.u_x[100, 150] - fixed.u_x[100, 60]
    turned = np.linalg.inv(np.eye(2) + strain)
    assert step == pytest.approx(90 * 0.05 * (1 - turned[0, 0]), abs=2e-3)


def test_a_lattice_beyond_the_mask_is_refused():
    reference = np.ones(GRID.shape, bool)
    with pytest.raises(ValueError, match="nearest reflection there"):
        geometric_phase_analysis(
            expanded(0.3 * np.eye(2)),
            GRID,
            VECTORS,
            resolution=RESOLUTION,
            reference=reference,
            fixed=True,
        )


def scene(kind, shift=(0, 0), seed=0):
    """A particle, a layer, or nothing but a lattice, moved by pixels (x, y); independent noise."""
    y, x = np.mgrid[: PIXELS.shape[0], : PIXELS.shape[1]].astype(float)
    x, y = x - shift[0], y - shift[1]
    image = sum(np.cos(2 * np.pi * (g[0] * x + g[1] * y) / 20) for g in VECTORS)
    if kind == "particle":
        image = np.where(np.hypot(x - 110, y - 130) < 70, image + 1, 0)
    if kind == "layer":
        image = np.where((y > 90) & (y < 150), 1.5, 1) * image
    return image + np.random.default_rng([seed, *np.abs(shift)]).normal(size=PIXELS.shape)


def drift_of(kind, shift, seed=0):
    (before, coarse), (after, _) = (
        slow_contrast(scene(kind, one, seed), PIXELS, RESOLUTION) for one in ((0, 0), shift)
    )
    return find_drift(before, after, coarse, RESOLUTION)


@pytest.mark.parametrize("shift", [(0, 0), (20, 0), (0, 20), (-17, 24), (30, -40)])
def test_drift_of_a_particle(shift):
    found = drift_of("particle", shift)
    np.testing.assert_allclose(found, np.array(shift) * 0.05, atol=0.6 * RESOLUTION)


@pytest.mark.parametrize("shift", [(0, 0), (40, 0), (0, 20), (-17, 24)])
def test_drift_along_a_layer_is_not_seen_and_does_not_matter(shift):
    """Its lattice repeats; the outline stays where it is."""
    x, y = drift_of("layer", shift)
    assert x == pytest.approx(0, abs=0.6 * RESOLUTION)
    assert y == pytest.approx(shift[1] * 0.05, abs=0.7 * RESOLUTION)


def test_a_lattice_without_slow_contrast_tells_no_drift():
    assert [drift_of("perfect", (3, 5), seed) for seed in range(20)] == [None] * 20
    nothing, coarse = slow_contrast(np.ones(PIXELS.shape), PIXELS, RESOLUTION)
    assert find_drift(nothing, nothing, coarse, RESOLUTION) is None
