"""Unwrapped phases of the lattice waves at the pixels."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.strain.lattice_waves import LatticeWaves


def unwrap_wave(
    region: LatticeWaves, index: int, reference: np.ndarray, significant: np.ndarray
) -> np.ndarray:
    """Unwrap the phase of one wave relative to the reference lattice.

    The phase is unwrapped on the coarse grid, where it is sampled without loss, with the
    nodes left out at which the wave is absent, and then refined modulo 2 pi from the complex
    amplitude at each pixel of the piece's bounding box; in radians, float32.
    """
    from skimage.restoration import unwrap_phase

    wave, coarse = region.waves[index], region.coarse
    amplitude = np.where(significant, wave.amplitude, 0.0)
    wrapped = np.ma.masked_array(np.angle(amplitude), ~significant)
    unwrapped = np.asarray(unwrap_phase(wrapped, rng=0).filled(0.0))
    rough = coarse.to_pixels(fill_nearest(unwrapped, significant), degree=1)
    real, imaginary = wave.amplitude.real, wave.amplitude.imag
    fine = np.angle(coarse.to_pixels(real) + 1j * coarse.to_pixels(imaginary))
    turns = np.round((rough - fine) / np.float32(2.0 * np.pi))
    phase = fine + np.float32(2.0 * np.pi) * turns

    excess = 2.0 * np.pi * (wave.carrier - reference)
    rows, columns = coarse.shape
    x = region.origin[0] + np.arange(columns) * coarse.scale[0]
    y = region.origin[1] + np.arange(rows) * coarse.scale[1]
    phase += (excess[0] * x).astype(np.float32)[None, :]
    phase += (excess[1] * y).astype(np.float32)[:, None]
    return phase


def fill_nearest(field: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Replace invalid nodes by the nearest valid one, so that interpolation stays local."""
    if valid.all() or not valid.any():
        return field
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(~valid, return_distances=False, return_indices=True)
    return field[tuple(nearest)]


def join_pieces(phase: np.ndarray, piece: np.ndarray, count: int) -> None:
    """Shift pieces by whole turns, in place, to make the phase steps between neighbours smallest.

    The phase is NaN where it is unknown; ``piece`` is the index, below ``count``, of the piece that
    each pixel belongs to, -1 for none. Piece 0 stays as it is.
    """
    jumps = _jumps(phase, piece)
    turns = np.zeros(count)
    joined, waiting = {0}, [0]
    while waiting:
        here = waiting.pop()
        for (first, second), jump in jumps.items():
            for known, other, step in ((first, second, jump), (second, first, -jump)):
                if known == here and other not in joined:
                    turns[other] = turns[known] - np.round(step / (2.0 * np.pi))
                    joined.add(other)
                    waiting.append(other)
    shift = (2.0 * np.pi * turns).astype(np.float32)
    phase += np.where(piece >= 0, shift[piece], np.float32(0.0))


def _jumps(phase: np.ndarray, piece: np.ndarray) -> dict[tuple[int, int], float]:
    """Median phase step from one piece to another over their common outline."""
    steps: dict[tuple[int, int], list[np.ndarray]] = {}
    for number, values in ((piece, phase), (piece.T, phase.T)):
        first, second, step = number[:-1], number[1:], np.diff(values, axis=0)
        touching = (first != second) & (first >= 0) & (second >= 0) & np.isfinite(step)
        first, second, step = first[touching], second[touching], step[touching]
        for pair in np.unique(np.stack([first, second], axis=1), axis=0):
            low, high = int(pair[0]), int(pair[1])
            chosen = step[(first == low) & (second == high)]
            key, sign = ((low, high), 1.0) if low < high else ((high, low), -1.0)
            steps.setdefault(key, []).append(sign * chosen)
    return {pair: float(np.median(np.concatenate(found))) for pair, found in steps.items()}
