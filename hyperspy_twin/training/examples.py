"""Labelled spectra for training, and patches cut out of them."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from hyperspy_twin.spectra.background import on_half_plane, wrapped
from hyperspy_twin.spectra.detection.network_input import (
    CENTRE,
    CHANNELS,
    band,
    eligible,
    half_plane_channels,
    in_band,
    noise_bandwidth,
    summits,
)
from hyperspy_twin.training.images import TrainingImage, training_image
from hyperspy_twin.training.truth import TrueSpots

MUST_FIND = 20.0  # signal-to-noise ratio
BROAD = 6.0  # bins; where spots are broad their maximum may move further
POSITIVE, NEGATIVE, IGNORED = 1, 0, -1
HARDEST = 20


@dataclass(frozen=True)
class Example:
    """One labelled spectrum on the half plane.

    Attributes
    ----------
    value
        First channel that the network sees, float16, shape (rows, columns // 2 + 1).
    summit
        Second channel, boolean, of the same shape.
    bandwidth
        Fourth channel, one number.
    labels
        int8: 1 for a spot that must be found, 0 for none, -1 for what does not count.
    width
        Number of columns of the image.
    spots, hard
        Indices (row, column) of the positive labels, and of the highest of all other maxima.
    """

    value: np.ndarray
    summit: np.ndarray
    bandwidth: float
    labels: np.ndarray
    width: int
    spots: np.ndarray
    hard: np.ndarray


def example(seed: int) -> Example:
    """Labelled spectrum of one training image."""
    image = training_image(seed)
    labels = spot_labels(image)
    channels = half_plane_channels(image.region)
    wrong = np.where((labels == NEGATIVE) & (channels[1] > 0), channels[0], 0)
    hardest = np.argsort(wrong, axis=None)[-HARDEST:]
    return Example(
        channels[0].astype(np.float16),
        channels[1] > 0,
        float(channels[3, 0, 0]),
        labels,
        image.region.grid.shape[1],
        np.argwhere(labels == POSITIVE),
        np.stack(np.unravel_index(hardest, wrong.shape), axis=1),
    )


def examples(first_seed: int, count: int, workers: int) -> list[Example]:
    """Labelled spectra of ``count`` seeds from the first one on."""
    seeds = range(first_seed, first_seed + count)
    if workers <= 1:
        return [example(seed) for seed in seeds]
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(example, seeds, chunksize=16))


def spot_labels(image: TrainingImage) -> np.ndarray:
    """Labels of every frequency of the half plane, int8.

    The observed maximum beside a true spot is the positive; what surrounds it, weak or unresolved
    spots and all beyond the band of lattices do not count.
    """
    height, width = image.region.grid.shape
    labels = np.full((height, width // 2 + 1), NEGATIVE, np.int8)
    near = 2 if noise_bandwidth(image.region.window) > BROAD else 1
    spots = image.spots
    row, column = _around(spots, np.ones(len(spots), bool), near + 1, (height, width))
    labels[row, column] = IGNORED
    power = image.region.power
    height_of_summits = np.where(summits(power), power, 0)
    sure = (spots.snr > MUST_FIND) & spots.resolved
    row, column = _around(spots, sure, near, (height, width))
    best = np.argmax(height_of_summits[row, column], axis=1)[:, None]
    row = np.take_along_axis(row, best, axis=1)[:, 0]
    column = np.take_along_axis(column, best, axis=1)[:, 0]
    found = height_of_summits[row, column] > 0
    labels[row[found], column[found]] = POSITIVE
    band = in_band(height, width)
    band[:, 0] |= band[-np.arange(height), 0]
    labels[~band] = IGNORED
    return labels


def _around(
    spots: TrueSpots, chosen: np.ndarray, reach: int, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Find what lies around chosen spots and their partners, each (2 n, (2 reach + 1)**2)."""
    span = np.arange(-reach, reach + 1)
    offset = np.stack(np.meshgrid(span, span, indexing="ij"), axis=-1).reshape(-1, 2)
    row = spots.row[chosen, None] + offset[:, 0]
    column = spots.column[chosen, None] + offset[:, 1]
    both = np.concatenate([row, -row]), np.concatenate([column, -column])
    return on_half_plane(*both, *shape)


def random_patch(
    chosen: Example, size: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a square patch near a spot, a hard negative, the centre or anywhere, turned at random.

    Parameters
    ----------
    chosen
        The labelled spectrum.
    size
        Side of the patch in bins.
    random
        Source of random numbers.

    Returns
    -------
    channels : numpy.ndarray
        float32, shape (channels, size, size).
    labels : numpy.ndarray
        int8, shape (size, size).
    """
    height, columns = chosen.labels.shape
    kind = random.random()
    if kind < 0.5 and len(chosen.spots):
        centre = random.choice(chosen.spots)
    elif kind < 0.75:
        centre = random.choice(chosen.hard)
    elif kind < 0.85:
        centre = np.zeros(2, int)
    else:
        centre = (random.uniform(-0.4, 0.4) * height, random.uniform(0, 0.8) * columns)
    corner = np.asarray(centre) - random.uniform(0, size, 2)
    row, column = (np.arange(size) + int(start) for start in corner)
    place = on_half_plane(row[:, None], column[None, :], height, chosen.width)
    channels = np.empty((CHANNELS, size, size), np.float32)
    # The background under a spectrum is never known exactly.
    gain = np.float32(np.exp(random.normal(scale=0.15)))
    channels[0] = 0.25 * np.log1p(gain * np.expm1(4 * chosen.value[place].astype(np.float32)))
    channels[1] = chosen.summit[place]
    distance = np.hypot(
        wrapped(row, height)[:, None], wrapped(column, chosen.width)[None, :], dtype=np.float32
    )
    channels[2] = np.minimum(distance / CENTRE, 1)
    channels[3] = chosen.bandwidth
    return _turned(channels, chosen.labels[place], random)


def _turned(
    channels: np.ndarray, labels: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    if random.random() < 0.5:
        channels, labels = np.swapaxes(channels, 1, 2), labels.T
    flip = tuple(-1 if random.random() < 0.5 else 1 for _ in range(2))
    return channels[:, :: flip[0], :: flip[1]], labels[:: flip[0], :: flip[1]]


@dataclass(frozen=True)
class HeldOut:
    """Spectrum that the network never learns from.

    Attributes
    ----------
    patch
        What the network sees, float32, shape (channels, rows, columns).
    row, column
        Frequencies that could be spots, each shape (n,).
    place
        Their indices in the patch, each shape (n,).
    spots
        The truth.
    shape
        Rows and columns of the image.
    """

    patch: np.ndarray
    row: np.ndarray
    column: np.ndarray
    place: tuple[np.ndarray, np.ndarray]
    spots: TrueSpots
    shape: tuple[int, int]


def held_out(first_seed: int, count: int) -> list[HeldOut]:
    """Spectra of ``count`` seeds from the first one on."""
    return [_held_out(training_image(seed)) for seed in range(first_seed, first_seed + count)]


def _held_out(image: TrainingImage) -> HeldOut:
    height, width = image.region.grid.shape
    rows, columns = band(height, width)
    cut = on_half_plane(rows[:, None], columns[None, :], height, width)
    row, column = np.nonzero(eligible(image.region.power, height, width))
    return HeldOut(
        half_plane_channels(image.region)[:, cut[0], cut[1]],
        row,
        column,
        (wrapped(row, height) - rows[0], column - columns[0]),
        image.spots,
        (height, width),
    )


def cached_examples(path: Path | None, first_seed: int, count: int, workers: int) -> list[Example]:
    """Labelled spectra, read from a file where it exists and written to it otherwise."""
    if path is None or not path.exists():
        found = examples(first_seed, count, workers)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, found)
        return found
    with np.load(path, allow_pickle=False) as arrays:
        names = [field.name for field in fields(Example)]
        # A number comes back as an array without dimensions.
        return [Example(*(arrays[f"{name}_{i}"][()] for name in names)) for i in range(count)]


def _write(path: Path, found: list[Example]) -> None:
    arrays = {
        f"{field.name}_{i}": getattr(one, field.name)
        for i, one in enumerate(found)
        for field in fields(Example)
    }
    np.savez(path, **arrays)
