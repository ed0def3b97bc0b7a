"""Division by the transfer function of the mask: what it brings, and what it costs."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core import Grid, StrainField
from hyperspy_twin.strain import divide_by_transfer, geometric_phase_analysis
from hyperspy_twin.strain.artefacts.mask_transfer import NOISE_FACTOR

VECTORS = np.array([[1, 0], [0, 1], [1, 1], [1, -1]]) / (9.7, 11.3)
WIDTH = 12.0
ERRORS = "sigma_xx", "sigma_yy", "sigma_xy", "sigma_rotation"


def lattice(shape, dose=None, bend=None, seed=0):
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    y = y - (0 if bend is None else bend(y))
    turns = [x / 9.7, y / 11.3, x / 9.7 + y / 11.3, x / 9.7 - y / 11.3]
    image = np.exp(sum(np.cos(2 * np.pi * turn) for turn in turns) / 2)
    return image if dose is None else np.random.default_rng(seed).poisson(dose * image)


def both(image):
    """Strain before and after."""
    grid, reference = Grid(image.shape, (1.0, 1.0)), np.ones(image.shape, bool)

    def analyse(_, resolution, displacement=False):
        return geometric_phase_analysis(
            image, grid, VECTORS, resolution=resolution, reference=reference,
            displacement=displacement,
        )  # fmt: skip

    before = analyse(None, WIDTH)
    return before, divide_by_transfer(analyse, None, before)


@pytest.mark.parametrize("period", [10, 15, 20, 45])
def test_slopes_of_waves_of_strain(period):
    """T = exp(-2 pi^2 / P^2) before and T (2 - T) after, P in resolutions."""
    length, height = period * WIDTH, 0.004
    y = np.arange(round(3.2 * length) + 120)
    turns = 2 * np.pi * y / length
    image = lattice(
        (len(y), 190),
        bend=lambda y: -height * length / (2 * np.pi) * np.cos(2 * np.pi * y / length),
    )
    inner = slice(60, -60)
    wave = np.sin(turns)[inner] - np.sin(turns)[inner].mean()
    passed = np.exp(-2 * np.pi**2 / period**2)
    for field, true in zip(both(image), (passed, passed * (2 - passed)), strict=True):
        found = field.e_yy[inner, 95] @ wave / (height * wave @ wave)
        assert found == pytest.approx(true, abs=4e-3)


def test_its_noise_is_what_it_says():
    true, stated, edges = [], [], []
    for seed in range(3):
        before, after = both(lattice((300, 320), 30, seed=seed))
        inner, edge = (slice(60, -60), slice(60, -60)), (slice(3), slice(60, -60))
        # The factor is exact for white noise that the first window lets through alone.
        for name, sigma in zip(("e_xx", "e_yy", "e_xy"), ERRORS, strict=False):
            true.append(np.mean(getattr(after, name)[inner] ** 2))
            stated.append(np.mean(getattr(after, sigma)[inner] ** 2))
            ratio = getattr(after, name)[edge].std() / getattr(before, name)[edge].std()
            edges.append(ratio)
        np.testing.assert_allclose(after.sigma_xx, NOISE_FACTOR * before.sigma_xx, rtol=1e-6)
    assert np.sqrt(np.mean(true) / np.mean(stated)) == pytest.approx(1.0, abs=0.13)
    assert pytest.approx(1.57, abs=0.005) == NOISE_FACTOR
    assert 1.2 < np.mean(edges) < 2.1


def test_what_the_wider_window_cannot_reach_is_not_given():
    some = np.zeros((4, 4), np.float32)
    names = ("e_xx", "e_yy", "e_xy", "rotation", *ERRORS)
    full = StrainField(
        **dict.fromkeys(names, some), u_x=None, u_y=None, vectors=VECTORS,
        amplitudes=np.ones(4), resolution=1.0, definition="lagrangian",
    )  # fmt: skip
    hole = some.copy()
    hole[1, 2] = np.nan
    wide = StrainField(**{**vars(full), **dict.fromkeys(names, hole)})
    found = divide_by_transfer(lambda *_, **__: wide, None, full)
    for name in names:
        assert np.isnan(getattr(found, name)[1, 2])
        assert np.isfinite(getattr(found, name)).sum() == 15
    assert found.noise is None


def test_a_window_that_does_not_fit_is_told():
    before, _ = both(lattice((120, 120)))

    def refuse(*_, **__):
        raise ValueError("the resolution does not fit into the image")

    with pytest.raises(ValueError, match=r"sqrt\(2\).*does not fit"):
        divide_by_transfer(refuse, None, before)
