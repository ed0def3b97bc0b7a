"""The continuous part of a displacement that was measured with windows across planar faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.special import ndtr

from hyperspy_twin.atoms.cuts import step_fractions
from hyperspy_twin.core import Grid

# Turns that a wave may jump and still be followed the short way, in every window, with its noise.
LARGEST_JUMP = 0.45
# Resolutions from a fault at which a window sees one side only, and points of a profile across it,
# .04 resolutions apart.
REACH, PROFILE_POINTS = 4.0, 201
# Resolutions from a fault within which the displacement is not read: a tenth of the amplitude is
# left between the planes of some, and a window farther away sees 2.3 % of the other side.
BRIDGED = 2.0


@dataclass(frozen=True, eq=False)
class Window:
    """Reciprocal vectors (x, y) of waves in 1/nm, shape (k, 2), and the window's width in nm."""

    vectors: np.ndarray
    resolution: float


def followed_waves(vectors: np.ndarray, jumps: np.ndarray) -> np.ndarray:
    """Vectors, of shape (k, 2), of the waves that step by less than half a turn at all faults.

    ``jumps`` are the steps (x, y) of the displacement in nm, shape (m, 2). All vectors where those
    that are left lie in one direction.
    """
    followed = (np.abs(vectors @ jumps.T) <= LARGEST_JUMP).all(axis=1)
    return vectors[followed] if np.linalg.matrix_rank(vectors[followed]) == 2 else vectors


@dataclass(frozen=True, eq=False)
class Profile:
    """What layers of atoms at a fault add to the phases of continuous waves that step there.

    A crystal ends with a whole layer, so that the other waves that differ from one along the normal
    of the fault reach into its window: near the fault its phase steps more steeply.

    Attributes
    ----------
    cut
        The first cut of the fault, shape (CUT_NUMBERS,).
    distance
        From it along its normal in nm, rising, shape (n,).
    turns
        For each wave, shape (k, n).
    width
        From the first to the last cut of the fault in nm.
    """

    cut: np.ndarray
    distance: np.ndarray
    turns: np.ndarray
    width: float

    def at(self, points: np.ndarray, resolution: float) -> np.ndarray:
        """Give the turns of each wave at points (n, 2) of the reference lattice, shape (k, n)."""
        across = points @ self.cut[:2] - self.cut[2]
        along = points @ [self.cut[1], -self.cut[0]]
        beside = ndtr((along - self.cut[3]) / resolution) * ndtr((self.cut[4] - along) / resolution)
        found = [np.interp(across, self.distance, one, left=0.0, right=0.0) for one in self.turns]
        return beside * np.array(found)


def layer_profile(
    offsets: np.ndarray, weights: np.ndarray, cuts: np.ndarray, period: float, window: Window
) -> Profile:
    """Find what the layers of atoms add at a fault.

    Parameters
    ----------
    offsets, weights
        Sites (x, y) of one cell in nm, shape (m, 2), and how bright their columns are, shape (m,).
    cuts
        Those of the fault, which follow one another by one plane, shape (c, CUT_NUMBERS).
    period
        Of the plane in nm.
    window
        What measures the phases.
    """
    normal, first, count = cuts[0, :2], cuts[0, 2], len(cuts)
    reach = REACH * window.resolution
    distance = np.linspace(-reach, reach + (count - 1) * period, PROFILE_POINTS)
    numbers = np.arange(np.floor(2 * distance[0] / period), np.ceil(2 * distance[-1] / period) + 1)
    edges = np.array([-np.inf, *(period * np.arange(count)), np.inf])
    shift = -cuts[:, 5:7].sum(axis=0) / 2
    layered = np.zeros((len(window.vectors), len(distance)), complex)
    continuous = np.zeros_like(layered)
    for part in range(count + 1):
        low, high = edges[part], edges[part + 1]
        for place, weight in zip(offsets + shift, weights, strict=True):
            heights = np.mod(place @ normal - first, period) + period * numbers
            heights = heights[(heights > low) & (heights <= high)]
            off = (distance - heights[:, None]) / window.resolution
            phase = np.exp(-2j * np.pi * (window.vectors @ place))
            layered += weight * phase[:, None] * np.exp(-(off**2) / 2).sum(axis=0)
        inside = ndtr((high - distance) / window.resolution)
        inside = inside - ndtr((low - distance) / window.resolution)
        continuous += np.exp(-2j * np.pi * (window.vectors @ shift))[:, None] * inside
        if part < count:
            shift = shift + cuts[part, 5:7]
    factor = np.exp(-2j * np.pi * (offsets @ window.vectors.T)).T @ weights
    excess = np.angle(layered * np.conj(factor[:, None] * continuous)) / (2 * np.pi)
    return Profile(cuts[0], distance, -excess, (count - 1) * period)


def take_out_steps(
    displacement: np.ndarray,
    smooth: np.ndarray,
    grid: Grid,
    cuts: np.ndarray,
    profiles: Sequence[Profile],
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
    profiles
        What the layers of atoms add at each fault.
    window
        What measured it.
    """
    x, y = np.meshgrid(grid.x, grid.y)
    points = np.stack([x, y]) - np.where(np.isfinite(smooth), smooth, 0.0)
    points = np.ascontiguousarray(points.reshape(2, -1).T)
    steps = [step_fractions(cut, points).reshape(grid.shape) for cut in cuts]
    known = np.isfinite(displacement).all(axis=0)
    sigma = window.resolution / np.asarray(grid.scale)[::-1]
    turns = np.zeros((len(window.vectors), *grid.shape))
    for one in profiles:
        turns += one.at(points, window.resolution).reshape(turns.shape)
    for found, jump in zip(turns, window.vectors @ cuts[:, 5:7].T, strict=True):
        phase = 2 * np.pi * np.tensordot(jump, steps, axes=1)
        real, imaginary = (
            ndimage.gaussian_filter(np.where(known, part, 0.0), sigma, mode="constant")
            for part in (np.cos(phase), np.sin(phase))
        )
        found += np.arctan2(imaginary, real) / (2 * np.pi)
    found = displacement - np.tensordot(np.linalg.pinv(window.vectors), turns, axes=1)
    for one in profiles:
        found = _bridge(found, points, grid, one, window)
    return found


def _bridge(
    smooth: np.ndarray, points: np.ndarray, grid: Grid, profile: Profile, window: Window
) -> np.ndarray:
    """Replace a continuous displacement near a fault by a cubic through four places beside it.

    Whole turns of the waves between these, where the displacement jumps by a lattice vector, are
    taken out, so that on each side it is that of the nearer place.
    """
    cut, reach = profile.cut, BRIDGED * window.resolution
    normal, places = cut[:2], np.array([-2.0, -1.0, 1.0, 2.0]) * reach
    places[2:] += profile.width
    across, along = points @ normal - cut[2], points @ [cut[1], -cut[0]]
    inside = (across > places[1]) & (across < places[2]) & (along > cut[3]) & (along < cut[4])
    inside &= np.isfinite(smooth).all(axis=0).ravel()
    chosen = np.flatnonzero(inside)
    pixels = np.array(np.unravel_index(chosen, grid.shape), float)
    # Rows and columns of what lies as far from the fault as each place.
    steps = (places[:, None] - across[chosen])[:, None] * (normal / grid.scale)[::-1, None]
    seen = np.array(
        [
            [ndimage.map_coordinates(one, pixels + step, order=0, cval=np.nan) for one in smooth]
            for step in steps
        ]
    )
    nearer = np.where(across[chosen] > profile.width / 2.0, seen[2], seen[1])
    turns = np.rint(np.einsum("ki,pin->pkn", window.vectors, seen - nearer))
    seen -= np.einsum("ik,pkn->pin", np.linalg.pinv(window.vectors), turns)
    filled = np.zeros((2, len(chosen)))
    for place, values in zip(places, seen, strict=True):
        others = places[places != place]
        filled += values * np.prod((across[chosen, None] - others) / (place - others), axis=1)
    result = smooth.reshape(2, -1).copy()
    known = np.isfinite(filled).all(axis=0)
    result[:, chosen[known]] = filled[:, known]
    return result.reshape(smooth.shape)
