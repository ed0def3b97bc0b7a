"""Unwrapped phases of the lattice waves at the pixels."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.strain.lattice_waves import LatticeWaves

# Phase step in radians from a node to the next that is no jump: half of what a cut has.
LARGEST_STEP = 0.5 * np.pi


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


def unwrap_at_nodes(
    region: LatticeWaves, reference: np.ndarray, weights: np.ndarray, present: np.ndarray
) -> np.ndarray | None:
    """Unwrap the phases of all waves at the nodes, if no wave jumps anywhere.

    The two waves that determine a displacement best are unwrapped; the others follow their
    displacement to less than half a turn.

    Parameters
    ----------
    region
        The waves.
    reference
        Reciprocal vectors (x, y) of the reference lattice, shape (k, 2).
    weights
        Weights of the nodes over which the mean of each phase is zero, shape (rows, columns).
    present
        Nodes at which all waves are present, boolean, shape (rows, columns).

    Returns
    -------
    ndarray or None
        Phases relative to the reference lattice in radians, shape (k, rows, columns); None where a
        phase has a jump, as at a dislocation, that interpolation between nodes would blur.
    """
    from skimage.restoration import unwrap_phase

    coarse, weights = region.coarse, weights * present
    node_x, node_y = coarse.node_positions()
    x, y = (region.origin[0] + node_x)[None, :], (region.origin[1] + node_y)[:, None]
    total = float(weights.sum(dtype=float))

    def centred(phase: np.ndarray) -> np.ndarray:
        return phase - np.sum(phase * weights, dtype=float) / total

    excess = 2.0 * np.pi * (np.array([wave.carrier for wave in region.waves]) - reference)
    ramps = excess[:, :1, None] * x + excess[:, 1:, None] * y
    angles = np.angle([wave.amplitude for wave in region.waves]).astype(float)
    phases = np.empty(angles.shape)
    pair = _firm_pair(region, reference)
    for index in pair:
        unwrapped = unwrap_phase(np.ma.masked_array(angles[index], ~present), rng=0)
        if any(np.abs(np.diff(unwrapped, axis=axis)).max() > LARGEST_STEP for axis in (0, 1)):
            return None
        phases[index] = centred(unwrapped.filled(0.0) + ramps[index])
    followed = np.einsum("ij,j...->i...", reference @ np.linalg.inv(reference[pair]), phases[pair])
    for index in set(range(len(reference))) - set(pair):
        rest = np.exp(1j * (angles[index] + ramps[index] - followed[index]))
        rest *= np.conj(np.sum(rest * weights))
        phases[index] = centred(followed[index] + np.angle(rest))
    return phases


def _firm_pair(region: LatticeWaves, reference: np.ndarray) -> list[int]:
    """Two waves in clearly different directions, of which the weaker is as strong as can be."""
    unit = reference / np.linalg.norm(reference, axis=1, keepdims=True)
    power = np.array([np.mean(np.abs(wave.amplitude) ** 2) for wave in region.waves])
    first, second = np.triu_indices(len(reference), 1)
    sine = unit[first, 0] * unit[second, 1] - unit[first, 1] * unit[second, 0]
    best = int(np.argmax(sine**2 * np.minimum(power[first], power[second])))
    return [int(first[best]), int(second[best])]


def fill_nearest(field: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Replace invalid nodes by the nearest valid one, so that interpolation stays local.

    The last two axes of ``field`` are those of ``valid``.
    """
    if valid.all() or not valid.any():
        return field
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(~valid, return_distances=False, return_indices=True)
    return field[(..., *nearest)]


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
