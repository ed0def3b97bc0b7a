"""Lattice peaks in the spectra of small overlapping tiles of an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

# Power over noise of a peak that stands by itself among 1e6 frequencies of pure noise:
# exp(-18) = 1.5e-8.
STRONG = 18.0
# The same of a peak at a position known beforehand: exp(-4) = 0.02.
WEAK = 4.0
# What follows without a reason of its own is set on the tuning half of benchmarks/segmentation.py.
# Lowest frequency of a peak in cycles per tile.
LOWEST_FREQUENCY = 3.5
# Highest frequency of a peak in cycles per pixel, a little below Nyquist's 0.5.
HIGHEST_FREQUENCY = 0.45
# Peaks that are kept of a tile.
_PEAKS = 32
# Distance in cycles per tile beyond the main lobe of the Hann window: there a peak is dark, a
# streak is not.
_BEYOND_LOBE = 3
# Power of a peak over that at this distance on either side; a streak has less.
_STREAK = 6.0
# Dynamic range of a tile: nothing is a peak below this fraction of the power of its strongest one.
_DYNAMIC_RANGE = 1e-3
# Noise at least, as a fraction of the median noise of all tiles.
_MIN_NOISE = 1e-3
# Half width of the rings on which the noise is read, in cycles per tile.
_RING = 1.5
# Lower quartile of an exponential distribution of unit mean, ln(4/3): power of noise.
_QUARTILE = 0.28768
# Tiles that are transformed together.
_BLOCK = 256


@dataclass(frozen=True)
class TilePeaks:
    """Peaks in the spectra of tiles, strongest first, filled up with zeros.

    Attributes
    ----------
    tile : int
        Side of a tile in pixels.
    rows, columns : numpy.ndarray
        First row and column of the tiles, shapes (m,) and (n,).
    frequency : numpy.ndarray
        Peaks (x, y) in cycles per tile on the half plane, shape (m, n, k, 2).
    amplitude : numpy.ndarray
        Amplitude of the lattice wave in units of the image, shape (m, n, k).
    ratio : numpy.ndarray
        Power over that of the noise at the same distance from the origin, shape (m, n, k).
    texture : numpy.ndarray
        Standard deviation per pixel of the noise, that of an amorphous film included, between
        3.5 cycles per tile and 0.45 per pixel; peaks and edges hardly count. Shape (m, n).
    """

    tile: int
    rows: np.ndarray
    columns: np.ndarray
    frequency: np.ndarray
    amplitude: np.ndarray
    ratio: np.ndarray
    texture: np.ndarray


def find_tile_peaks(image: np.ndarray, tile: int, stride: int) -> TilePeaks:
    """Find the lattice peaks of every tile of an image.

    Each tile is weighted with a Hann window; the noise at each distance from the origin is the
    lower quartile over the ring, which peaks hardly move, and a peak is a maximum above it that is
    not part of a streak (an edge, or scan noise). The side of a tile, even and at most that of the
    image, and the distance between tiles are in pixels; the last tiles are moved so that they end
    at the border.
    """
    rows, columns = (_start_tiles(size, tile, stride) for size in image.shape)
    window = np.hanning(tile + 1)[:-1].astype(np.float32)
    window = np.outer(window, window)
    views = np.lib.stride_tricks.sliding_window_view(image, (tile, tile))
    row, column = (index.ravel() for index in np.meshgrid(rows, columns, indexing="ij"))
    rings = _measure_rings(tile)
    parts = []
    for start in range(0, row.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        tiles = views[row[block], column[block]].astype(np.float32)
        mean = np.tensordot(tiles, window, 2) / window.sum()
        tiles = (tiles - mean[:, None, None]) * window
        transform = scipy.fft.rfft2(tiles, workers=-1)
        parts.append(_find_peaks(transform.real**2 + transform.imag**2, rings))
    frequency, power, ratio, total = (np.concatenate(p) for p in zip(*parts, strict=True))
    amplitude = 2 * np.sqrt(power) / window.sum()
    texture = np.sqrt(total / (tile**2 * np.sum(window**2)))
    every = (frequency, amplitude, ratio, texture)
    found = (values.reshape(rows.size, columns.size, *values.shape[1:]) for values in every)
    return TilePeaks(tile, rows, columns, *found)


def _start_tiles(size: int, tile: int, stride: int) -> np.ndarray:
    count = int(np.ceil((size - tile) / stride)) + 1
    return np.rint(np.linspace(0, size - tile, count)).astype(int)


def _measure_rings(tile: int) -> np.ndarray:
    """Distance of each half-plane frequency from the origin, in cycles per tile."""
    return np.hypot(np.fft.fftfreq(tile, 1 / tile)[:, None], np.arange(tile // 2 + 1))


def _estimate_noise(power: np.ndarray, rings: np.ndarray) -> np.ndarray:
    """Noise power of each tile at each frequency, that of jumps from line to line included."""
    flat = power.reshape(len(power), -1)
    ring = np.minimum(np.rint(rings).astype(int), rings.shape[0] // 2)
    noise = np.empty((len(power), ring.max() + 1), np.float32)
    for k in range(noise.shape[1]):
        around = flat[:, np.flatnonzero(np.abs(rings - k).ravel() <= _RING)]
        noise[:, k] = _lower_quartile(around)
    result = noise[:, ring]
    tile = rings.shape[0]
    along = np.flatnonzero(np.abs(np.fft.fftfreq(tile, 1 / tile)) >= LOWEST_FREQUENCY)
    for line in (0, 1, -1):
        if line >= 0:
            column = _lower_quartile(power[:, along, line])[:, None]
            result[:, :, line] = np.maximum(result[:, :, line], column)
        row = _lower_quartile(power[:, line, int(LOWEST_FREQUENCY) + 1 :])[:, None]
        result[:, line] = np.maximum(result[:, line], row)
    return result


def _lower_quartile(power: np.ndarray) -> np.ndarray:
    """Mean of exponential noise along the last axis, from the quartile that peaks hardly move."""
    rank = power.shape[-1] // 4
    return np.partition(power, rank, axis=-1)[..., rank] / _QUARTILE


def _find_peaks(power: np.ndarray, rings: np.ndarray) -> tuple[np.ndarray, ...]:
    """Frequency, power and ratio of the strongest peaks, and the total noise of each tile."""
    tile = rings.shape[0]
    inside = (rings >= LOWEST_FREQUENCY) & (rings <= HIGHEST_FREQUENCY * tile)
    inside[:, 0] &= np.fft.fftfreq(tile) > 0
    noise = _estimate_noise(power, rings)
    doubled = np.where((np.arange(tile // 2 + 1) % (tile // 2)) == 0, 1, 2)
    total = np.sum(noise * (inside * doubled), axis=(1, 2))
    noise = np.maximum(noise, _DYNAMIC_RANGE / STRONG * (power * inside).max((1, 2), keepdims=True))
    noise = np.maximum(noise, _MIN_NOISE * np.median(noise) + np.finfo(np.float32).tiny)
    ratio = np.where(inside, power / noise, 0)
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        adjacent = (_neighbour(power, down, right), _neighbour(power, -down, -right))
        ratio[power < np.maximum(*adjacent)] = 0
        step = (_BEYOND_LOBE * down, _BEYOND_LOBE * right)
        beyond = np.minimum(_neighbour(power, *step), _neighbour(power, -step[0], -step[1]))
        ratio[power < _STREAK * beyond] = 0
    ratio[ratio < WEAK] = 0
    height = np.where(ratio > 0, power, 0).reshape(len(power), -1)
    chosen = np.argpartition(height, -_PEAKS, axis=1)[:, -_PEAKS:]
    order = np.argsort(-np.take_along_axis(height, chosen, 1), axis=1)
    chosen = np.take_along_axis(chosen, order, 1)
    each = np.arange(len(power))[:, None]
    row, column = np.divmod(chosen, rings.shape[1])
    shift_x, shift_y = (_offset(power, each, row, column, *step) for step in ((0, 1), (1, 0)))
    y = (row + tile // 2) % tile - tile // 2 + shift_y
    frequency = np.stack([column + shift_x, y], axis=-1)
    height = np.take_along_axis(height, chosen, 1)
    ratio = np.take_along_axis(ratio.reshape(len(power), -1), chosen, 1)
    frequency[height == 0] = 0
    return frequency.astype(np.float32), height, ratio, total


def _neighbour(power: np.ndarray, down: int, right: int) -> np.ndarray:
    """Power at each half-plane frequency plus an offset, beyond the half plane too."""
    moved = np.roll(power, (-down, -right), axis=(1, 2))
    tile, width = power.shape[1:]
    row = np.arange(tile) + down
    for column in range(-right) if right < 0 else range(width - right, width):
        other = column + right
        mirrored = -other if other < 0 else tile - other
        moved[:, :, column] = power[:, -row % tile, mirrored]
    return moved


def _offset(
    power: np.ndarray, each: np.ndarray, row: np.ndarray, column: np.ndarray, down: int, right: int
) -> np.ndarray:
    """Position of a maximum between frequencies: a parabola through the logarithm."""
    tile, width = power.shape[1:]
    logarithms = []
    for sign in (-1, 0, 1):
        r, c = row + sign * down, column + sign * right
        behind = (c < 0) | (c >= width)
        r = np.where(behind, -r, r) % tile
        c = np.where(c < 0, -c, np.where(c >= width, tile - c, c))
        logarithms.append(np.log(np.maximum(power[each, r, c], np.finfo(np.float32).tiny)))
    before, here, after = logarithms
    bend = np.maximum(2 * here - before - after, np.float32(1e-6))
    return np.clip((after - before) / (2 * bend), -0.5, 0.5)
