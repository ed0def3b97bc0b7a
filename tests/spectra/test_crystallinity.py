import numpy as np
import pytest
from scipy import spatial

from hyperspy_twin.core import Grid, Peaks
from hyperspy_twin.spectra.crystallinity import AMORPHOUS, NO_LATTICE, _resolution, judge_region
from hyperspy_twin.spectra.crystallinity_evidence import NAMES
from hyperspy_twin.spectra.detection.cfar import detect_cfar
from hyperspy_twin.spectra.lattices import find_lattices
from hyperspy_twin.spectra.transform import windowed_region

GRID = Grid((256, 240), (0.03, 0.03))
BASIS = np.array([[3.1, 0.5], [-0.6, 3.3]])


def turned(basis, degrees):
    angle = np.deg2rad(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.asarray(basis) @ np.array([[cosine, sine], [-sine, cosine]])


def crystal(basis, grid=GRID, shift=(0.0, 0.0), reach=9.0):
    x, y = np.meshgrid(grid.x, grid.y)
    image = np.zeros(grid.shape)
    for h in range(-3, 4):
        for k in range(4):
            g = h * basis[0] + k * basis[1]
            if (k > 0 or h > 0) and np.linalg.norm(g) < reach:
                phase = g[0] * (x - shift[0]) + g[1] * (y - shift[1])
                image += np.exp(-((np.linalg.norm(g) / 4.5) ** 2)) * np.cos(2 * np.pi * phase)
    return image


def judged(image, noise=0.5, seed=0, grid=GRID):
    image = image + np.random.default_rng(seed).normal(scale=noise, size=grid.shape)
    region = windowed_region(image, grid, np.ones(grid.shape, bool))
    return judge_region(detect_cfar(region, 0.05), region)


def coloured(transfer, seed=0, grid=GRID):
    rng = np.random.default_rng(seed)
    image = np.fft.ifft2(np.fft.fft2(rng.normal(size=grid.shape)) * transfer).real
    return image / image.std()


def frequency(grid=GRID):
    return np.hypot(*np.meshgrid(grid.frequency_x, grid.frequency_y))


def lattice_bases(result, grid=GRID):
    peaks, region = (
        result.peaks,
        windowed_region(np.ones(grid.shape), grid, np.ones(grid.shape, bool)),
    )
    found = find_lattices(peaks.position, peaks.error, peaks.snr, _resolution(region))
    return [one.fit.basis for one in found.lattices]


def check(result, name):
    found = result.crystallinity
    assert found.name == name, found.reason
    assert set(found.probability) == set(NAMES)
    assert sum(found.probability.values()) == pytest.approx(1)
    assert found.certainty == max(found.probability.values())
    weighed = NO_LATTICE if name == AMORPHOUS else name
    assert found.certainty == found.probability[weighed]
    assert (name == AMORPHOUS) == (found.without_lattice and len(result.halo) == 1)
    assert found.reason


def test_crystal_has_one_lattice_and_its_basis():
    result = judged(crystal(BASIS))
    check(result, "single crystal")
    assert result.crystallinity.probability["single crystal"] > 0.95
    (basis,) = lattice_bases(result)
    relation = BASIS @ np.linalg.inv(basis)
    np.testing.assert_allclose(relation, np.rint(relation), atol=0.005)
    assert (result.peaks.lattice == 1).all()


def test_bent_crystal_stays_a_single_one():
    x, y = np.meshgrid(GRID.x / GRID.extent[0] - 0.5, GRID.y / GRID.extent[1] - 0.5)
    shift = GRID.extent[0] * 0.02 * np.array([0.5 * x * x - x * y, 0.5 * y * y + 0.3 * x * y])
    check(judged(crystal(BASIS, shift=shift)), "single crystal")


def test_weak_second_period_belongs_to_the_crystal():
    x, y = np.meshgrid(GRID.x, GRID.y)
    image = crystal(BASIS)
    for h, k in ((0.5, 0.5), (0.5, 1.5), (1.5, 0.5), (-0.5, 0.5)):
        g = np.array([h, k]) @ BASIS
        image += 0.12 * np.cos(2 * np.pi * (g[0] * x + g[1] * y))
    result = judged(image)
    check(result, "single crystal")
    area = abs(np.linalg.det(lattice_bases(result)[0]) / np.linalg.det(BASIS))
    assert area == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize(
    "other", [turned(BASIS, 12), turned(BASIS, 31), 1.15 * BASIS, BASIS * [1, -1]]
)
def test_two_grains_are_several_crystals(other):
    left = np.arange(GRID.shape[1]) < GRID.shape[1] // 2
    result = judged(np.where(left, crystal(BASIS), crystal(other)))
    check(result, "several crystals")
    assert len(lattice_bases(result)) >= 2
    for basis in (BASIS, other):
        assert any(
            np.abs(r - np.rint(r)).max() < 0.05
            for r in (basis @ np.linalg.inv(one) for one in lattice_bases(result))
        )


def test_lattices_two_per_cent_apart_in_a_large_image_are_several():
    grid = Grid((1024, 1024), (0.05, 0.05))
    result = judged(crystal(BASIS, grid) + crystal(1.02 * BASIS, grid), grid=grid)
    check(result, "several crystals")
    areas = sorted(abs(np.linalg.det(basis)) for basis in lattice_bases(result, grid))
    assert areas[1] / areas[0] == pytest.approx(1.02**2, rel=0.005)


def test_one_set_of_planes_and_its_orders_are_fringes():
    x, y = np.meshgrid(GRID.x, GRID.y)
    phase = 2 * np.pi * (2.4 * x + 1.3 * y)
    for image in (np.cos(phase), np.cos(phase) + 0.4 * np.cos(2 * phase)):
        result = judged(image)
        check(result, "fringes")
        assert lattice_bases(result) == []


def test_films_are_amorphous_by_their_halo_only():
    k = frequency()
    films = [
        (np.ones_like(k), NO_LATTICE),
        (np.exp(-((k / 6) ** 2)), NO_LATTICE),
        (np.sqrt(1 + 5 * np.exp(-(((k - 3.5) / 0.6) ** 2))), AMORPHOUS),
        # Rings of phase contrast, at equidistant squares of the radius.
        (np.abs(np.sin(0.3 * k**2)) * np.exp(-((k / 7) ** 2)) + 0.01, NO_LATTICE),
    ]
    for seed, (transfer, name) in enumerate(films):
        check(judged(coloured(transfer, seed), 0.1, seed), name)


@pytest.mark.parametrize("seed", range(4))
def test_astigmatic_rings_of_phase_contrast_are_no_halo(seed):
    grid = Grid((384, 384), (0.03, 0.03))
    x, y = np.meshgrid(grid.frequency_x, grid.frequency_y)
    k, azimuth = np.hypot(x, y), np.arctan2(y, x)
    phase = 0.5 * k**2 * (1 + 0.12 * np.cos(2 * (azimuth - 0.9 * seed)))
    film = coloured(np.abs(np.sin(phase)) * np.exp(-((k / 7) ** 2)) + 0.01, seed, grid)
    result = judged(film, 0.1, seed, grid)
    check(result, NO_LATTICE)
    assert "contrast transfer" in result.crystallinity.reason


def test_halo_of_a_film_is_given_and_white_noise_has_none():
    k = frequency()
    film = coloured(np.sqrt(1 + 8 * np.exp(-(((k - 3.5) / 0.6) ** 2))), 3)
    halo = judged(film, 0.01).halo
    assert abs(halo.radius[0] - 3.5) < 4 * halo.error[0] + 0.05
    assert halo.height[0] == pytest.approx(9, rel=0.35)
    assert len(judged(np.zeros(GRID.shape), 1.0).halo) == 0


def powder(seed, grains=18, grid=None):
    grid = grid or Grid((384, 384), (0.03, 0.03))
    rng = np.random.default_rng(seed)
    seeds = rng.uniform(0, 1, (grains, 2)) * grid.shape
    row, column = np.indices(grid.shape)
    label = np.argmin([(row - a) ** 2 + (column - b) ** 2 for a, b in seeds], axis=0)
    image = np.zeros(grid.shape)
    square = np.array([[3.0, 0.0], [0.0, 3.0]])
    for number in range(grains):
        grain = crystal(turned(square, rng.uniform(0, 360)), grid, reach=4.5)
        image[label == number] = grain[label == number]
    return image, grid


@pytest.mark.parametrize("seed", [1, 2])
def test_many_grains_are_a_powder_with_its_rings(seed):
    image, grid = powder(seed)
    result = judged(image, 0.3, seed, grid)
    check(result, "powder")
    for radius in (3.0, 3.0 * np.sqrt(2)):
        assert np.abs(result.rings.radius - radius).min() < 0.12


def fine_powder(seed, grains, size=384):
    """Crystallites too small for spots: a period of four pixels and one ring."""
    grid = Grid((size, size), (0.03, 0.03))
    rng = np.random.default_rng(seed)
    seeds = rng.uniform(0, 1, (grains, 2)) * grid.shape
    row, column = np.indices(grid.shape)
    label = spatial.cKDTree(seeds).query(np.stack([row, column], axis=-1))[1]
    angle = rng.uniform(0, np.pi, grains)[label]
    x, y = np.meshgrid(grid.x, grid.y)
    return np.cos(2 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) / 0.12), grid


@pytest.mark.parametrize("seed", range(3))
def test_powder_without_any_spot_is_told_by_its_grainy_narrow_ring(seed):
    image, grid = fine_powder(seed, 100 + 30 * seed)
    result = judged(image, 2.0, seed, grid)
    check(result, "powder")
    assert np.abs(result.rings.radius - 1 / 0.12).min() < 0.4


@pytest.mark.parametrize("relative", [0.16, 0.2, 0.3])
def test_smooth_halo_is_amorphous_however_clear(relative):
    grid = Grid((384, 384), (0.03, 0.03))
    sigma = relative * 6 / 2.3548
    power = 1 + 30 * np.exp(-0.5 * ((frequency(grid) - 6) / sigma) ** 2)
    for seed in range(4):
        check(judged(coloured(np.sqrt(power), seed, grid), 0.1, seed, grid), "amorphous")


def test_steep_noise_and_rows_of_their_own_brightness_show_no_lattice():
    k = np.maximum(frequency(), 0.05)
    for seed, exponent in enumerate((0.5, 1.0, 2.0)):
        check(judged(coloured(k**-exponent, seed), 0.05, seed), NO_LATTICE)
    for seed in range(4):
        rows = 0.2 * np.random.default_rng(seed).normal(size=(GRID.shape[0], 1))
        check(judged(np.broadcast_to(rows, GRID.shape), 1.0, seed), NO_LATTICE)


def artificial(position, snr):
    position, snr = np.asarray(position, float), np.asarray(snr, float)
    error = np.full(position.shape, 0.004)
    return Peaks(position, error, snr * 1e-3, snr, np.exp(-2e5 * np.exp(-snr)))


def noise_region():
    image = np.random.default_rng(0).normal(size=GRID.shape)
    return windowed_region(image, GRID, np.ones(GRID.shape, bool))


def test_weak_stray_spots_do_not_make_a_second_crystal():
    points = [h * BASIS[0] + k * BASIS[1] for h in range(3) for k in (-1, 0, 1) if (h, k) > (0, 0)]
    snr = np.geomspace(900, 40, len(points))
    stray = [(5.3, 5.9), (1.13, -5.7), (6.1, -2.35)]
    spots = artificial(np.concatenate([points, stray]), [*snr, 16, 15, 14])
    result = judge_region(spots, noise_region())
    check(result, "single crystal")
    # A spot off the lattice stays, and is only said to be off it.
    assert (result.peaks.lattice[-3:] == 0).all()


def test_strong_spots_off_the_lattice_are_another_crystal():
    points = [h * BASIS[0] + k * BASIS[1] for h in range(3) for k in (-1, 0, 1) if (h, k) > (0, 0)]
    snr = np.geomspace(900, 40, len(points))
    spots = artificial(np.concatenate([points, [(1.3, 5.1)]]), [*snr, 400])
    check(judge_region(spots, noise_region()), "several crystals")


def test_a_spot_as_weak_as_noise_makes_is_no_fringe():
    check(judge_region(artificial([(3.0, 1.0)], [13.5]), noise_region()), NO_LATTICE)
    check(judge_region(artificial([(3.0, 1.0)], [60.0]), noise_region()), "fringes")


def test_two_maxima_of_noise_do_not_speak_for_one_another():
    pair = artificial([(3.0, 1.0), (-1.0, 4.0)], [14.0, 13.5])
    check(judge_region(pair, noise_region(), np.array([0.97, 0.96])), NO_LATTICE)


def test_spots_off_the_line_on_a_lattice_are_no_side_effect():
    """However strong the fringes are that they are beside."""
    points = np.array([h * BASIS[0] + k * BASIS[1] for h in (0, 1, 2) for k in (-1, 0, 1)][2:])
    snr = np.where(np.abs(points @ np.linalg.inv(BASIS))[:, 1] < 0.5, 1e6, 400.0)
    order = np.argsort(-snr, kind="stable")
    result = judge_region(artificial(points[order], snr[order]), noise_region())
    check(result, "single crystal")


def test_stated_probability_is_how_often_it_is_right():
    """Over grains, films and crystals near the limits of detection."""
    stated, right = [], []
    x, y = np.meshgrid(GRID.x, GRID.y)
    for seed in range(36):
        rng = np.random.default_rng([5, seed])
        basis = turned(BASIS, rng.uniform(0, 180))
        noise = np.exp(rng.uniform(np.log(2.0), np.log(12.0)))
        image, truth = [
            (crystal(basis), "single crystal"),
            (np.cos(2 * np.pi * (basis[0, 0] * x + basis[0, 1] * y)), "fringes"),
            (np.zeros(GRID.shape), NO_LATTICE),
        ][seed % 3]
        result = judged(image, noise, seed)
        stated.append(result.crystallinity.probability[result.crystallinity.name])
        right.append(result.crystallinity.name == truth)
    assert abs(np.mean(stated) - np.mean(right)) < 0.15
