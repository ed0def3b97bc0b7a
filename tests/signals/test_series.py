"""Strain of time series: one indexed frame, the others compared with its lattice."""

from __future__ import annotations

import logging

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest

import hyperspy_twin as ht

EXPANSION = (0.0, 0.002, 0.005, 0.012)
SIZE, PIXEL = 200, 0.05
VECTORS = np.array([[2.5, 0.0], [0.0, 2.5], [2.5, 2.5], [2.5, -2.5]])


def frame(strain, seed, drift=0.0, noise=0.4):
    """Two crystals that expand alike, the upper one 2 % larger, below vacuum on the right."""
    y, x = np.mgrid[:SIZE, :SIZE] * PIXEL
    upper = y - drift < 0.5 * SIZE * PIXEL
    image = np.zeros((SIZE, SIZE))
    for vector in VECTORS:
        for inside, misfit in ((upper, 0.02), (~upper, 0.0)):
            g = vector / (1 + strain) / (1 + misfit)
            image += inside * np.cos(2 * np.pi * (g[0] * x + g[1] * (y - drift)))
    image += 2.0 * upper
    return image + np.random.default_rng(seed).normal(scale=noise, size=image.shape)


def stack_of(images):
    signal = hs.signals.Signal2D(np.asarray(images, np.float32))
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.units = PIXEL, "nm"
    time = signal.axes_manager.navigation_axes[0]
    time.name, time.units, time.scale = "time", "s", 2.0
    signal.set_signal_type("Micrograph")
    return signal


@pytest.fixture(scope="module")
def stack():
    return stack_of([frame(one, seed, noise=0.15) for seed, one in enumerate(EXPANSION)])


@pytest.fixture(scope="module")
def peaks(stack):
    labels = np.where(np.arange(SIZE) < SIZE // 2, 1, 2)[:, None] * np.ones((1, SIZE), int)
    segmented = ht.SegmentedImage.from_labels(stack.inav[0], labels)
    return segmented.find_peaks(show_progressbar=False)


@pytest.fixture(scope="module")
def series(peaks, stack):
    return peaks.gpa(series=stack, reference=2, show_progressbar=False)


def test_a_series_shows_the_expansion(peaks, stack, series):
    """Of both crystals, relative to the reference in the frame that was indexed."""
    assert type(series) is ht.StrainMap
    assert [axis.name for axis in series.axes_manager.navigation_axes] == ["component", "time"]
    assert series.data.shape == (4, 10, SIZE, SIZE)
    time = series.e_xx.axes_manager.navigation_axes[0]
    assert (time.name, time.units, time.scale) == ("time", "s", 2.0)
    for name in ("e_xx", "e_yy"):
        maps = getattr(series, name)
        assert maps.data.shape == (4, SIZE, SIZE)
        for number, expansion in enumerate(EXPANSION):
            found = maps.inav[number].data
            assert np.nanmean(found[130:170, 30:-30]) == pytest.approx(expansion, abs=3e-4)
            both = (1 + expansion) * 1.02 - 1
            assert np.nanmean(found[30:70, 30:-30]) == pytest.approx(both, abs=3e-4)
    np.testing.assert_allclose(series.sigma.data[0], series.inav[:, 0].sigma.data)
    # The frame that was indexed has the strain that it has alone.
    alone = peaks.gpa(reference=2)
    np.testing.assert_allclose(series.inav[:, 0].e_xx.data, alone.e_xx.data, atol=2e-5)
    assert "series" in series.history[-1]["parameters"] and "of another frame" in repr(series)


def test_one_frame_is_a_strain_map(series, tmp_path):
    one = series.inav[:, 3]
    assert type(one) is ht.StrainMap and one.data.shape == (10, SIZE, SIZE)
    regions = one.regions
    assert regions["e_xx"][1] == pytest.approx(0.012, abs=5 * regions["sem_xx"][1])
    assert 0 < regions["sem_xx"][1] < 3e-4
    assert one.interfaces["misfit_across"][0] == pytest.approx(1 / 1.02 - 1, abs=1e-3)
    assert one.plot().axes
    one.save(tmp_path / "one.hspy")
    loaded = hs.load(tmp_path / "one.hspy")
    np.testing.assert_allclose(loaded.regions["sem_xx"], regions["sem_xx"])


def test_noise_follows_the_frames(series, tmp_path):
    series.save(tmp_path / "series.hspy")
    loaded = hs.load(tmp_path / "series.hspy")
    for part in (loaded.inav[:, 1:].inav[:, 2], loaded.inav[:, 3]):
        np.testing.assert_allclose(
            part.regions["sem_yy"], series.inav[:, 3].regions["sem_yy"], rtol=1e-6
        )
    values = {series.inav[:, n].regions["sem_xx"][0] for n in range(4)}
    assert len(values) == 4
    part = series.inav[:4, 1]
    np.testing.assert_allclose(part.e_yy.data, series.e_yy.inav[1].data)


def test_errors_of_means_are_against_the_frame_that_was_indexed(peaks):
    """Those of the reference too: its mean is 0 in its own frame only."""
    rng, many = np.random.default_rng(5), 12
    frames = [frame(0.003, rng.integers(1 << 30), noise=1.5) for _ in range(many)]
    found = peaks.gpa(series=stack_of(frames), reference=2, show_progressbar=False)
    tables = [found.inav[:, n].regions for n in range(many)]
    errors = np.array([one["e_xx"][1] for one in tables])
    stated = np.array([one["sem_xx"][1] for one in tables])
    # The frame that was indexed has far less noise: what is stated is up to sqrt(2) too much.
    ratio = errors.std(ddof=1) / stated.mean()
    assert 0.4 < ratio < 1.2


@pytest.mark.parametrize(
    "verb",
    [
        lambda strain: strain.regions,
        lambda strain: strain.interfaces,
        lambda strain: strain.absolute(),
        lambda strain: strain.rotate_to(30.0),
        lambda strain: strain.e_1,
        lambda strain: strain.profile(across=(1, 2)),
    ],
)
def test_what_needs_one_image_says_so(series, verb):
    with pytest.raises(
        ValueError, match=r"series of 4 images: take one, such as strain.inav\[:, 0\]"
    ):
        verb(series)


def test_a_series_has_no_atoms(series, peaks):
    for one in (series, series.inav[:, 1]):
        with pytest.raises(ValueError, match="show other atoms"):
            one.to_atoms()
        with pytest.raises(ValueError, match="show other atoms"):
            one.register_lattices(peaks)
        with pytest.raises(ValueError, match="does not keep its images"):
            one.dislocations()


def test_a_lazy_stack_is_read_frame_by_frame(peaks, stack, series):
    lazy = stack.deepcopy().as_lazy()
    read = []

    def count(block, block_id=None):
        read.append(block_id)
        return block

    lazy.data = (
        lazy.data.rechunk((2, 100, 100))
        .rechunk((1, SIZE, SIZE))
        .map_blocks(count, dtype=np.float32, meta=np.empty((0, 0, 0), np.float32))
    )
    found = peaks.gpa(series=lazy, reference=2, show_progressbar=False)
    assert type(found).__name__ == "LazyStrainMap" and isinstance(found.data, da.Array)
    assert found.data.chunks[0] == (1, 1, 1, 1) and not read
    np.testing.assert_allclose(found.inav[:, 2].e_xx.data.compute(), series.e_xx.inav[2].data)
    assert len(read) == 1
    found.compute()
    np.testing.assert_array_equal(found.data, series.data)
    assert np.isnan(found.inav[:, 1].regions["sem_xx"]).all()


def test_bad_frames_are_withheld_and_cost_no_others(peaks, caplog):
    images = [frame(0.0, 0), np.full((SIZE, SIZE), np.nan), frame(0.001, 1), np.zeros((SIZE, SIZE))]
    images[2][50, 60] = np.nan
    images[3] += np.random.default_rng(0).normal(size=(SIZE, SIZE))
    with caplog.at_level(logging.WARNING):
        found = peaks.gpa(series=stack_of(images), reference=2, show_progressbar=False)
    known = np.isfinite(found.e_xx.data).any(axis=(1, 2))
    assert known.tolist() == [True, False, True, False]
    outcome = found.history[-1]["outcome"]
    assert outcome["frame 1"].startswith("no strain: ") and "frame 3" in outcome
    assert "frame 1 has no strain" in caplog.text
    with pytest.raises(ValueError, match="no frame of the series shows the lattice"):
        peaks.gpa(series=stack_of(images[1::2]), reference=2, show_progressbar=False)


def test_drift_beyond_the_resolution_is_told_and_strain_stays_right(peaks, caplog):
    """Far from outlines strain needs no alignment."""
    frames = [frame(0.004, 3, one, noise=0.15) for one in (0.0, 0.2, 1.5)]
    with caplog.at_level(logging.WARNING):
        found = peaks.gpa(series=stack_of(frames), reference=2, show_progressbar=False)
    outcome = found.history[-1]["outcome"]
    assert "frame 2" in outcome and "it drifted by" in outcome["frame 2"]
    assert not {"frame 0", "frame 1"} & set(outcome)
    assert "outlines no longer fit" in caplog.text
    below = found.e_yy.data[:, 175:195, 30:-30]
    np.testing.assert_allclose(np.nanmean(below, axis=(1, 2)), 0.004, atol=6e-4)


def test_wrong_stacks_are_refused(peaks, stack):
    with pytest.raises(ValueError, match="takes a stack of images"):
        peaks.gpa(series=stack.inav[0])
    with pytest.raises(ValueError, match="index a frame of this series"):
        peaks.gpa(series=stack.isig[:100, :])
    other = stack.deepcopy()
    for axis in other.axes_manager.signal_axes:
        axis.scale *= 1.01
    with pytest.raises(ValueError, match="the pixels of the series are"):
        peaks.gpa(series=other)


def test_progress_counts_the_frames(peaks, stack, capsys):
    peaks.gpa(series=stack.inav[:2], reference=2, show_progressbar=True)
    assert "2/2" in capsys.readouterr().err
    peaks.gpa(series=stack.inav[:2], reference=2, show_progressbar=False)
    assert "2/2" not in capsys.readouterr().err
