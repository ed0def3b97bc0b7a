import numpy as np
import pytest
from scipy.stats import ncx2

from hyperspy_twin.core import Peaks
from hyperspy_twin.core.grid import Grid
from hyperspy_twin.spectra.background import estimate_radial_background
from hyperspy_twin.spectra.detection.candidates import detection_threshold
from hyperspy_twin.spectra.detection.cfar import detect_cfar
from hyperspy_twin.spectra.fitting.plane_waves import PlaneWaves, sum_waves
from hyperspy_twin.spectra.transform import windowed_region


def whole(image, scale=1.0):
    grid = Grid(image.shape, (scale, scale))
    return windowed_region(image, grid, np.ones(image.shape, bool))


def noise_sums(shape):
    window = whole(np.ones(shape)).window.astype(float)
    return window.sum(), (window**2).sum()


def distance_in_bins(spots, vectors, size):
    return size * np.minimum(
        np.linalg.norm(spots.position[:, None] - vectors, axis=2),
        np.linalg.norm(spots.position[:, None] + vectors, axis=2),
    )


def transfer(kind, size):
    grid = Grid((size, size), (0.02, 0.02))
    k = np.hypot(grid.frequency_x[None, :], grid.frequency_y[:, None])
    if kind == "white":
        return np.ones_like(k)
    if kind == "red":
        return 1 / (k + 0.5)
    return np.abs(np.sin(0.15 * k**2)) * np.exp(-((k / 6) ** 2)) + 0.01


@pytest.mark.parametrize(("kind", "size"), [("white", 128), ("red", 128), ("transfer", 192)])
def test_noise_gives_as_few_spots_as_stated(kind, size):
    rng = np.random.default_rng(21)
    count, images, rate = 0, 40, 0.3
    factor = transfer(kind, size)
    for _ in range(images):
        noise = np.fft.ifft2(np.fft.fft2(rng.normal(size=(size, size))) * factor).real
        count += len(detect_cfar(whole(noise), rate))
    assert count <= rate * images + 3 * np.sqrt(rate * images)
    if kind == "white":
        assert count >= 0.2 * rate * images


def test_expected_noise_power_is_unbiased():
    shape = (256, 300)
    _, squared = noise_sums(shape)
    rng = np.random.default_rng(0)
    ratio = []
    for _ in range(4):
        region = whole(rng.normal(size=shape))
        ratio.append(squared / estimate_radial_background(region.power, region.grid))
    assert np.mean(ratio) == pytest.approx(1, abs=0.04)


def test_recall_follows_the_theory_of_detection():
    """A fringe of SNR s passes a threshold t with Marcum's Q(sqrt(2 s), sqrt(2 t))."""
    size, rate, images = 256, 0.05, 40
    total, squared = noise_sums((size, size))
    rng = np.random.default_rng(6)
    levels = np.array([10.0, 12.5, 15.0, 20.0])
    side = np.linspace(0.06, 0.36, 4)
    frequency = np.stack(np.meshgrid(side, side - 0.21), axis=-1).reshape(-1, 2)
    snr = np.tile(levels, 4)
    hits = np.zeros(16)
    for _ in range(images):
        place = frequency + rng.uniform(-4, 4, frequency.shape) / size
        amplitude = np.sqrt(snr * squared) / total * np.exp(2j * np.pi * rng.uniform(size=16))
        image = sum_waves((size, size), PlaneWaves(place, amplitude))
        spots = detect_cfar(whole(image + rng.normal(size=image.shape)), rate)
        if len(spots):
            hits += distance_in_bins(spots, place, size).min(axis=0) < 1.5
    threshold = detection_threshold(whole(np.ones((size, size))), rate)
    theory = ncx2.sf(2 * threshold, 2, 2 * snr)
    scatter = np.sqrt((theory * (1 - theory)).sum() / images) / 16
    assert np.mean(hits / images - theory) > -0.03 - 2 * scatter


@pytest.mark.parametrize("period", [6.0, 8.0, 12.0, 16.0])
@pytest.mark.parametrize(("angle", "intensity"), [(0.0, 1.0), (17.0, 0.25), (40.0, 0.25)])
def test_two_lattices_two_per_cent_apart_are_split(period, angle, intensity):
    size = 1024
    turn = np.deg2rad(angle)
    first = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) / period
    vectors = np.concatenate([first, 1.02 * first])
    rng = np.random.default_rng(int(period + angle))
    amplitude = 0.5 * np.repeat([1, np.sqrt(intensity)], 2) * np.exp(1j * rng.uniform(0, 6, 4))
    image = sum_waves((size, size), PlaneWaves(vectors, amplitude))
    image += rng.standard_normal(image.shape, np.float32)
    spots = detect_cfar(whole(image), 0.05)
    distance = distance_in_bins(spots, vectors, size)
    assert (distance.min(axis=0) < 0.05).all()
    assert len(spots) == 4


def test_strained_lattice_is_not_split():
    size = 256
    y, x = np.mgrid[:size, :size]
    rng = np.random.default_rng(8)
    for phase in rng.uniform(0, 6, 12):
        shift = 0.01 * size / np.pi * np.sin(np.pi * x / size + phase)
        image = np.cos(0.8 * (x - shift)) + np.cos(0.8 * y) + rng.normal(size=x.shape)
        assert len(detect_cfar(whole(image), 0.001)) == 2


def test_harmonics_are_kept_and_marked():
    y, x = np.mgrid[:200, :200]
    profile = np.cos(2 * np.pi * (0.11 * x + 0.03 * y))
    image = np.exp(1.2 * profile) + np.cos(2 * np.pi * (0.02 * x + 0.17 * y))
    image += np.random.default_rng(0).normal(scale=0.1, size=image.shape)
    spots = detect_cfar(whole(image), 0.001)
    multiple = np.array([[0.11, 0.03], [0.22, 0.06], [0.33, 0.09], [0.02, 0.17]])
    order = distance_in_bins(spots, multiple, 200).argmin(axis=0)
    assert spots.harmonic[order].tolist() == [False, True, True, False]


def test_columns_that_a_detector_lacks_are_filled():
    one = np.ones(3)
    spots = Peaks(np.ones((3, 2)), np.ones((3, 2)), one, one, one)
    assert np.isnan(spots.width).all() and np.isnan(spots.width_error).all()
    assert spots.harmonic.tolist() == [False] * 3
