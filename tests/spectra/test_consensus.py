import numpy as np
import pytest

from hyperspy_twin.core.grid import Grid
from hyperspy_twin.spectra.detection import consensus
from hyperspy_twin.spectra.detection.candidates import detection_threshold, find_candidates
from hyperspy_twin.spectra.methods import METHODS, find_region_peaks
from hyperspy_twin.spectra.transform import windowed_region

SHAPE = (256, 300)
GRID = Grid(SHAPE, (0.02, 0.02))


def fringes(vectors, amplitudes, grid=GRID):
    x, y = np.meshgrid(grid.x, grid.y)
    return sum(
        a * np.cos(2 * np.pi * (g[0] * x + g[1] * y) + 1.0)
        for g, a in zip(vectors, amplitudes, strict=True)
    )


def net(first, second, order=3):
    indices = [
        (h, k)
        for h in range(-order, order + 1)
        for k in range(-order, order + 1)
        if h > 0 or (h == 0 and k > 0)
    ]
    return np.array([h * np.asarray(first) + k * np.asarray(second) for h, k in indices])


def found_of(vectors, found):
    away = np.minimum(
        *(np.linalg.norm(vectors[:, None] - sign * found[None], axis=2) for sign in (1, -1))
    )
    return (away.min(axis=1, initial=np.inf) < 0.12), int(
        (away.min(axis=0, initial=np.inf) > 0.12).sum()
    )


def whole():
    return np.ones(SHAPE, bool)


def test_lattice_brings_back_weak_spots():
    vectors = net((3.1, 0.4), (-0.6, 3.5))
    strong = np.abs(vectors).max(axis=1) < 4
    rng = np.random.default_rng(5)
    share, false = {}, {}
    for method in ("consensus", "gaussian"):
        seen, wrong = [], 0
        for _ in range(8):
            image = fringes(vectors, np.where(strong, 1.0, 0.038)) + rng.normal(size=SHAPE)
            spots = find_region_peaks(image, GRID, whole(), method=method).peaks
            hits, extra = found_of(vectors, spots.position)
            assert hits[strong].all()
            seen.append(hits[~strong].mean())
            wrong += extra
        share[method], false[method] = np.mean(seen), wrong
    assert share["consensus"] > share["gaussian"] + 0.15
    assert false["consensus"] <= 4


def test_second_crystal_keeps_its_spots():
    first, second = net((3.1, 0.4), (-0.6, 3.5), 2), net((2.7, 1.5), (-1.6, 3.0), 2)
    image = fringes(first, np.ones(len(first))) + fringes(second, np.full(len(second), 0.3))
    image += np.random.default_rng(2).normal(size=SHAPE)
    result = find_region_peaks(image, GRID, whole())
    hits, _ = found_of(np.concatenate([first, second]), result.peaks.position)
    assert hits.all()
    assert result.crystallinity.name == "several crystals"
    assert set(result.peaks.lattice) >= {1, 2}


@pytest.mark.parametrize("method", [m for m in METHODS if m != "network"])
def test_noise_has_no_spots(method):
    rng = np.random.default_rng(11)
    counts = [
        len(find_region_peaks(rng.normal(size=SHAPE), GRID, whole(), method=method).peaks)
        for _ in range(20)
    ]
    assert np.mean(counts) <= 0.2
    assert max(counts) <= 1


def test_boundary_of_a_grain_is_no_spot():
    x, y = np.meshgrid(np.arange(300), np.arange(256))
    grain = (y - 130) + 0.3 * (x - 150) < 0
    vectors = net((3.1, 0.4), (-0.6, 3.5), 1)
    image = 20 + np.where(grain, fringes(vectors, np.full(len(vectors), 6.0)), 0)
    image = image + np.random.default_rng(8).normal(size=SHAPE)
    for method in ("consensus", "gaussian"):
        spots = find_region_peaks(image, GRID, whole(), method=method).peaks
        hits, extra = found_of(vectors, spots.position)
        assert hits.all()
        assert extra == 0


def test_streaks_of_the_scan_are_no_spots():
    rng = np.random.default_rng(1)
    vectors = net((3.1, 0.4), (-0.6, 3.5), 1)
    x, y = np.meshgrid(GRID.x, GRID.y)
    jitter = rng.normal(scale=0.01, size=(256, 1))
    image = sum(3 * np.cos(2 * np.pi * (g[0] * (x + jitter) + g[1] * y)) for g in vectors)
    image = image + rng.normal(size=SHAPE)
    for method, allowed in (("consensus", 1), ("gaussian", 2), ("profile", 0)):
        spots = find_region_peaks(image, GRID, whole(), method=method).peaks
        hits, extra = found_of(vectors, spots.position)
        assert hits.all()
        assert extra <= allowed


def test_evidence_of_a_spot_and_of_noise():
    vectors = net((3.1, 0.4), (-0.6, 3.5), 2)
    image = fringes(vectors, np.ones(len(vectors))) + np.random.default_rng(3).normal(size=SHAPE)
    region = windowed_region(image, GRID, whole())
    found = find_candidates(region, consensus.FALSE_CANDIDATES)
    values = consensus.measure_evidence(region, found, detection_threshold(region, 0.05))
    real, _ = found_of(found.maxima.frequency / 0.02, vectors)
    probability = consensus.weigh(values, None)
    assert real.sum() == len(vectors) < len(real)
    assert probability[real].min() > 0.9
    assert probability[~real].max() < 0.5
    assert (values[:, 2] == 1).all()


def test_network_moves_the_probability():
    values = np.array([[0.0, 0.0, 1.0, 0.0]])
    doubtful = [consensus.weigh(values, np.array([p]))[0] for p in (0.01, 0.5, 0.99)]
    assert doubtful[0] < doubtful[1] < doubtful[2]


def test_unknown_method():
    with pytest.raises(ValueError, match="choose one of consensus"):
        find_region_peaks(np.ones(SHAPE), GRID, whole(), method="fourier")
