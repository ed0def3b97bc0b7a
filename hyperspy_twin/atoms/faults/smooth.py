"""The continuous part of a displacement that was measured with windows across planar faults."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from hyperspy_twin.atoms.cuts import step_fractions
from hyperspy_twin.core import Grid

# Turns that a wave may jump and still be followed the short way, in every window, with its noise.
LARGEST_JUMP = 0.45


@dataclass(frozen=True, eq=False)
class Window:
    """Reciprocal vectors (x, y) of waves in 1/nm, shape (k, 2), and the window's deviation in nm."""

    vectors: np.ndarray
    resolution: float


def followed_waves(vectors: np.ndarray, jumps: np.ndarray) -> np.ndarray:
    """Vectors, of shape (k, 2), of the waves that step by less than half a turn at all faults.

    ``jumps`` are the steps (x, y) of the displacement in nm, shape (m, 2). All vectors where those
    that are left lie in one direction.
    """
    followed = (np.abs(vectors @ jumps.T) <= LARGEST_JUMP).all(axis=1)
    return vectors[followed] if np.linalg.matrix_rank(vectors[followed]) == 2 else vectors


def take_out_steps(
    displacement: np.ndarray,
    smooth: np.ndarray,
    grid: Grid,
    cuts: np.ndarray,
    window: Window,
) -> np.ndarray:
    """Continuous part of a displacement that steps across cuts.

    A Gaussian window that sees both sides of a fault gives the phase of the sum of both, so that
    the displacement that was measured goes smoothly from one side to the other. That phase is
    computed for the cuts and taken out.

    Parameters
    ----------
    displacement
        As measured in nm, NaN where it is not known, shape (2, rows, columns).
    smooth
        Guess of the continuous part, of the same shape, which says where the pixels lie in the
        reference lattice.
    grid
        Their grid.
    cuts
        Shape (m, CUT_NUMBERS).
    window
        What measured it.
    """
    x, y = np.meshgrid(grid.x, grid.y)
    points = np.stack([x, y]) - np.where(np.isfinite(smooth), smooth, 0.0)
    points = np.ascontiguousarray(points.reshape(2, -1).T)
    steps = [step_fractions(cut, points).reshape(grid.shape) for cut in cuts]
    known = np.isfinite(displacement).all(axis=0)
    sigma = window.resolution / np.asarray(grid.scale)[::-1]
    turns = []
    for jump in window.vectors @ cuts[:, 5:7].T:
        phase = 2 * np.pi * np.tensordot(jump, steps, axes=1)
        parts = (
            ndimage.gaussian_filter(np.where(known, part, 0.0), sigma, mode="nearest")
            for part in (np.cos(phase), np.sin(phase))
        )
        real, imaginary = parts
        turns.append(np.arctan2(imaginary, real) / (2 * np.pi))
    return displacement - np.tensordot(np.linalg.pinv(window.vectors), turns, axes=1)
