import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.spectra.methods import find_region_peaks

SCALE = (0.02, 0.02)


def lattice(grid, vectors, amplitudes, phases=None):
    phases = np.zeros(len(vectors)) if phases is None else phases
    x, y = np.meshgrid(grid.x, grid.y)
    return sum(
        a * np.cos(2 * np.pi * (g[0] * x + g[1] * y) + p)
        for g, a, p in zip(vectors, amplitudes, phases, strict=True)
    )


def whole(grid):
    return np.ones(grid.shape, bool)


def matched(found, vectors, tolerance):
    vectors = np.asarray(vectors)
    distance = np.minimum(
        np.linalg.norm(found[:, None] - vectors, axis=2),
        np.linalg.norm(found[:, None] + vectors, axis=2),
    )
    return (distance.min(axis=0) < tolerance).sum()


@settings(max_examples=30, deadline=None)
@given(
    rows=st.integers(120, 201),
    columns=st.integers(120, 201),
    angle=st.floats(0, np.pi),
    spacing=st.floats(0.12, 0.3),
    seed=st.integers(0, 1000),
)
def test_noisy_square_lattice_is_found_whole(rows, columns, angle, spacing, seed):
    grid = Grid((rows, columns), SCALE)
    g = np.array([np.cos(angle), np.sin(angle)]) / spacing
    vectors = np.array([g, [-g[1], g[0]]])
    image = 5 + lattice(grid, vectors, [1, 0.8])
    image += np.random.default_rng(seed).normal(scale=1.0, size=grid.shape)
    found = find_region_peaks(image, grid, whole(grid), false_alarms=0.01)
    assert found.crystallinity.name == "single crystal"
    assert matched(found.peaks.position, vectors, 0.02) == 2
    assert (found.peaks.position[:, 0] >= 0).all()


def test_intensity_is_the_squared_amplitude():
    grid = Grid((256, 200), SCALE)
    vectors = [(3.137, 0.0), (0.0, 4.271)]
    spots = find_region_peaks(lattice(grid, vectors, [3.0, 2.0]), grid, whole(grid)).peaks
    np.testing.assert_allclose(spots.intensity[:2], [9.0, 4.0], rtol=0.01)
    np.testing.assert_allclose(np.abs(spots.position[:2]), vectors, atol=1e-3)


def test_stated_error_is_the_scatter_of_the_position():
    grid = Grid((128, 160), SCALE)
    vectors = [(4.2, 1.1), (-1.3, 4.4)]
    clean = lattice(grid, vectors, [1.0, 1.0])
    rng = np.random.default_rng(3)
    positions, errors = [], []
    for _ in range(150):
        image = clean + rng.normal(scale=1.5, size=grid.shape)
        spots = find_region_peaks(image, grid, whole(grid)).peaks
        nearest = np.argmin(np.linalg.norm(spots.position - vectors[0], axis=1))
        positions.append(spots.position[nearest])
        errors.append(spots.error[nearest])
    ratio = np.std(positions, axis=0) / np.mean(errors, axis=0)
    np.testing.assert_allclose(ratio, 1, atol=0.2)
    np.testing.assert_allclose(np.mean(positions, axis=0), vectors[0], atol=4 * errors[0][0] / 12)


def test_noise_gives_no_more_false_spots_than_stated():
    grid = Grid((128, 129), SCALE)
    rng = np.random.default_rng(5)
    count = sum(
        len(
            find_region_peaks(
                rng.normal(size=grid.shape), grid, whole(grid), false_alarms=0.2
            ).peaks
        )
        for _ in range(60)
    )
    assert count <= 0.2 * 60 + 3 * np.sqrt(0.2 * 60)


def test_amorphous_film_with_a_halo_gives_no_more_false_spots_than_stated():
    grid = Grid((192, 192), SCALE)
    k = np.hypot(grid.frequency_x[None, :], grid.frequency_y[:, None])
    transfer = np.abs(np.sin(0.15 * k**2)) * np.exp(-((k / 6) ** 2))
    rng = np.random.default_rng(7)
    count = 0
    for _ in range(40):
        noise = np.fft.ifft2(np.fft.fft2(rng.normal(size=grid.shape)) * transfer).real
        count += len(find_region_peaks(noise, grid, whole(grid), false_alarms=0.05).peaks)
    assert count <= 0.05 * 40 + 3 * np.sqrt(0.05 * 40)


def test_disc_shaped_region_has_its_spots_and_no_streaks():
    grid = Grid((512, 512), SCALE)
    x, y = np.meshgrid(np.arange(512), np.arange(512))
    mask = np.hypot(x - 260, y - 240) < 150
    # Silicon [110]: two {111} pairs, {002}-like, {220} and {113} pairs.
    a = 0.543
    vectors = np.array(
        [(1.414, 1), (1.414, -1), (2.828, 0), (0, 4), (1.414, 3), (1.414, -3), (2.828, 2),
         (2.828, -2)]
    ) / a  # fmt: skip
    image = 100 + 20 * lattice(grid, vectors, np.linspace(1, 0.4, 8))
    image[~mask] = 20
    image = np.random.default_rng(2).poisson(np.maximum(image, 0)).astype(float)
    spots = find_region_peaks(image, grid, mask).peaks
    assert matched(spots.position, vectors, 0.02) == 8
    assert len(spots) == 8


@pytest.mark.parametrize("height", [60, 110, 200])
def test_long_thin_region_has_no_side_lobes(height):
    grid = Grid((220, 700), (0.036, 0.036))
    mask = np.zeros(grid.shape, bool)
    mask[5 : 5 + height] = True
    vectors = np.array([(2.5326, 1.7909), (2.5326, -1.7909), (5.0651, 0.0), (0.0, 7.164)])
    image = 40 + lattice(grid, vectors, [30, 30, 20, 10])
    image = np.random.default_rng(4).poisson(np.maximum(image, 0)).astype(float)
    spots = find_region_peaks(image, grid, mask).peaks
    assert matched(spots.position, vectors, 0.03) == 4
    # The clipped image holds harmonics; every spot is a sum of the vectors.
    orders = spots.position @ np.linalg.inv([[2.5326, 1.7909], [2.5326, -1.7909]])
    np.testing.assert_allclose(orders, np.rint(orders), atol=0.03)


def test_scan_jitter_makes_streaks_but_no_spots():
    grid = Grid((256, 256), SCALE)
    vectors = np.array([(4.0, 0.6), (-0.6, 4.0)])
    rng = np.random.default_rng(11)
    shift = rng.normal(scale=0.02, size=(256, 1))
    x, y = np.meshgrid(grid.x, grid.y)
    image = sum(np.cos(2 * np.pi * (g[0] * (x + shift) + g[1] * y)) for g in vectors)
    image += rng.normal(scale=0.3, size=grid.shape)
    spots = find_region_peaks(image, grid, whole(grid)).peaks
    assert matched(spots.position, vectors, 0.02) == 2
    assert len(spots) == 2


def test_one_set_of_planes_is_called_fringes():
    grid = Grid((200, 200), SCALE)
    image = lattice(grid, [(3.0, 1.0)], [1.0])
    image += np.random.default_rng(0).normal(scale=0.2, size=grid.shape)
    assert find_region_peaks(image, grid, whole(grid)).crystallinity.name == "fringes"


def test_spacing_limit_leaves_finer_planes_out():
    grid = Grid((200, 200), SCALE)
    image = lattice(grid, [(3.0, 0.0), (0.0, 3.0), (9.0, 9.0)], [1.0, 1.0, 1.0])
    image += np.random.default_rng(0).normal(scale=0.2, size=grid.shape)
    assert len(find_region_peaks(image, grid, whole(grid)).peaks) == 3
    limited = find_region_peaks(image, grid, whole(grid), shortest_spacing=0.1)
    assert len(limited.peaks) == 2


def test_narrow_and_flat_regions_are_said_to_be_so():
    grid = Grid((128, 128), SCALE)
    image = np.random.default_rng(0).normal(size=grid.shape)
    mask = np.zeros(grid.shape, bool)
    mask[5:12, 5:40] = True
    assert find_region_peaks(image, grid, mask).crystallinity.name == "too small"
    flat = find_region_peaks(np.full(grid.shape, 3.0), grid, whole(grid))
    assert flat.crystallinity.name == "no lattice seen"
    assert "no contrast" in flat.crystallinity.reason


def test_wrong_arguments_are_named():
    grid = Grid((64, 64), SCALE)
    image = np.zeros(grid.shape)
    with pytest.raises(ValueError, match="no pixel"):
        find_region_peaks(image, grid, np.zeros(grid.shape, bool))
    with pytest.raises(ValueError, match="false_alarms"):
        find_region_peaks(image, grid, whole(grid), false_alarms=0)
