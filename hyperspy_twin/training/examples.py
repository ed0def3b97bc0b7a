"""Labelled spectra for training, and patches cut out of them."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from hyperspy_twin.spectra import network_input, on_half_plane, wrap
from hyperspy_twin.training.images import TrainingImage, training_image
from hyperspy_twin.training.truth import TruePeaks, find_highest, neighbourhood

# Signal-to-noise ratio from which a peak must be found.
MUST_FIND = 20.0
# Width in bins from which peaks are broad, so that their maximum may move further.
BROAD = 6.0
# Labels of peaks, of all else, and of what does not count.
POSITIVE = 1
NEGATIVE = 0
IGNORED = -1
# Maxima of each spectrum that are kept as hard negatives.
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
        int8: 1 for a peak that must be found, 0 for none, -1 for what does not count.
    width
        Number of columns of the image.
    peaks, hard
        Indices (row, column) of the positive labels, and of the highest of all other maxima.
    """

    value: np.ndarray
    summit: np.ndarray
    bandwidth: float
    labels: np.ndarray
    width: int
    peaks: np.ndarray
    hard: np.ndarray


def example(seed: int) -> Example:
    """Labelled spectrum of one training image."""
    image = training_image(seed)
    labels = label_peaks(image)
    channels = network_input.prepare_channels(image.region)
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


def label_peaks(image: TrainingImage) -> np.ndarray:
    """Labels of every frequency of the half plane, int8.

    The observed maximum next to a true peak is the positive; what surrounds it, weak or unresolved
    peaks and all beyond the band of lattices do not count.
    """
    height, width = image.region.grid.shape
    labels = np.full((height, width // 2 + 1), NEGATIVE, np.int8)
    near = 2 if network_input.measure_bandwidth(image.region.window) > BROAD else 1
    peaks = image.peaks
    row, column = np.array([peaks.row, peaks.column])[:, None] * [[1], [-1]]  # and partners
    labels[neighbourhood(row.ravel(), column.ravel(), near + 1, (height, width))] = IGNORED
    power = image.region.power
    summits = np.where(network_input.find_summits(power), power, 0)
    sure = (peaks.snr > MUST_FIND) & peaks.resolved
    row, column = row[:, sure].ravel(), column[:, sure].ravel()
    row, column = find_highest(summits, row, column, near, (height, width))
    found = summits[row, column] > 0
    labels[row[found], column[found]] = POSITIVE
    band = network_input.in_band(height, width)
    band[:, 0] |= band[-np.arange(height), 0]
    labels[~band] = IGNORED
    return labels


def random_patch(
    chosen: Example, size: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a square patch near a peak, a hard negative, the centre or anywhere, turned at random.

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
    if kind < 0.5 and len(chosen.peaks):
        centre = random.choice(chosen.peaks)
    elif kind < 0.75:
        centre = random.choice(chosen.hard)
    elif kind < 0.85:
        centre = np.zeros(2, int)
    else:
        centre = (random.uniform(-0.4, 0.4) * height, random.uniform(0, 0.8) * columns)
    corner = np.asarray(centre) - random.uniform(0, size, 2)
    row, column = (np.arange(size) + int(start) for start in corner)
    position = on_half_plane(row[:, None], column[None, :], height, chosen.width)
    channels = np.empty((network_input.CHANNELS, size, size), np.float32)
    # The background under a spectrum is never known exactly.
    gain = np.float32(np.exp(random.normal(scale=0.15)))
    channels[0] = 0.25 * np.log1p(gain * np.expm1(4 * chosen.value[position].astype(np.float32)))
    channels[1] = chosen.summit[position]
    row, column = wrap(row, height)[:, None], wrap(column, chosen.width)[None, :]
    distance = np.hypot(row, column, dtype=np.float32)
    channels[2] = np.minimum(distance / network_input.CENTRE, 1)
    channels[3] = chosen.bandwidth
    labels = chosen.labels[position]
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
        Frequencies that could be peaks, each shape (n,).
    position
        Their indices in the patch, each shape (n,).
    peaks
        The truth.
    shape
        Rows and columns of the image.
    """

    patch: np.ndarray
    row: np.ndarray
    column: np.ndarray
    position: tuple[np.ndarray, np.ndarray]
    peaks: TruePeaks
    shape: tuple[int, int]


def held_out(first_seed: int, count: int) -> list[HeldOut]:
    """Spectra of ``count`` seeds from the first one on."""
    return [_held_out(training_image(seed)) for seed in range(first_seed, first_seed + count)]


def _held_out(image: TrainingImage) -> HeldOut:
    height, width = image.region.grid.shape
    rows, columns = network_input.patch_indices(height, width)
    cut = on_half_plane(rows[:, None], columns[None, :], height, width)
    row, column = np.nonzero(network_input.find_eligible(image.region.power, height, width))
    return HeldOut(
        network_input.prepare_channels(image.region)[:, cut[0], cut[1]],
        row,
        column,
        (wrap(row, height) - rows[0], column - columns[0]),
        image.peaks,
        (height, width),
    )


def cached_examples(path: Path | None, first_seed: int, count: int, workers: int) -> list[Example]:
    """Labelled spectra of ``count`` seeds from the first one on.

    They are read from a file where it exists, and written to it otherwise.
    """
    if path is None or not path.exists():
        seeds = range(first_seed, first_seed + count)
        if workers <= 1:
            found = [example(seed) for seed in seeds]
        else:
            with ProcessPoolExecutor(workers) as pool:
                found = list(pool.map(example, seeds, chunksize=16))
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(
                path, **{f"{n}_{i}": v for i, one in enumerate(found) for n, v in vars(one).items()}
            )
        return found
    with np.load(path, allow_pickle=False) as arrays:
        names = [field.name for field in fields(Example)]
        # A number comes back as an array without dimensions.
        return [Example(*(arrays[f"{name}_{i}"][()] for name in names)) for i in range(count)]
