"""Where the reflections disagree, because the phases of their structure factors change.

A displacement u changes the phase of each wave by -2 pi g.u. Where one compound goes over into
another, the phase of a structure factor may change as well, and looks like strain [1]_. Two
reflections cannot tell the two apart; more can:

- within a region, the phase gradients of all waves have to be those of one tensor. What is left of
  them is compared with the covariance of the phases;
- from one region to the next, the phase of a wave less those of two others, as often as they make
  up its vector, does not depend on displacement, strain or origin: it is an invariant of the
  structure, which has to be the same on both sides.

References
----------
.. [1] J. J. P. Peters, R. Beanland, M. Alexe, J. W. Cockburn, D. G. Revin, S. Y. Zhang, A. M.
   Sanchez, Ultramicroscopy 157 (2015) 91-97.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy import ndimage

from hyperspy_twin.core import Grid, PhaseInvariants, StrainField, adjacent_regions
from hyperspy_twin.strain.gaussian_windows import PATCH
from hyperspy_twin.strain.lattice_waves import LatticeWaves
from hyperspy_twin.strain.noise import Noise
from hyperspy_twin.strain.strain_tensor import AnalysedPiece, NodeStrain
from hyperspy_twin.strain.wave_weights import combine_waves

# Squared residual over that of the noise, averaged over a resolution, at least. Crystals without
# a change of compound show .1 to 1.3 at doses up to 50, and up to 15 at 1000, where what other
# reflections leave in the windows is more than the noise; the limit below holds these back.
SMALLEST_RATIO = 5.0
# Root mean square of the residual gradient over the length of the vector, at least: in crystals
# without noise the windows leave 2e-4, an exchange of Ga and As next to each other 4e-3.
SMALLEST_RESIDUAL = 1.5e-3
# The same over the change of the strain within two resolutions, at least: where the lattice itself
# changes within the window, each wave averages it otherwise. A step of 3 % between layers that no
# outline separates has .12 to .24, and .44 in an alloy; a change of compound alone has 2.5 or more.
SMALLEST_SHARE = 1.0
# Turns by which the phases disagree within a resolution, over the change of the logarithm of an
# amplitude within two: a step of brightness lets more of the other reflections through. Germanium
# on silicon without strain, four times as bright, has .006 to .010; InAs and AlAs on GaAs have .05
# and .09.
SMALLEST_TURN = 0.02
# Resolutions over which a change of the lattice reaches into the windows.
REACH = 2.0
# Windows with less of their mass inside the piece are cut: what other reflections leave there is
# much more than the noise.
WHOLE_WINDOW = 0.995
# Deviation from whole numbers up to which a vector is a sum of two others, as strained as regions
# are that can be compared.
WHOLE_NUMBER = 0.1
# Standard errors by which an invariant differs between two regions, at least.
SIGNIFICANCE = 5.0
# Degrees by which it does: 3 degrees over a window of 1.5 spacings look like 0.2 % of strain.
SMALLEST_PHASE = 3.0


def disagreeing_nodes(
    region: LatticeWaves, noise: Noise, vectors: np.ndarray, strain: NodeStrain
) -> np.ndarray:
    """Nodes at which the phase gradients of more than two waves are not those of one tensor.

    Parameters
    ----------
    region, noise, strain
        Waves of a piece, their noise, and the strain by them.
    vectors
        Reciprocal vectors (x, y) of the reference, shape (k, 2).

    Returns
    -------
    ndarray
        Boolean, shape (rows, columns).
    """
    shape = strain.valid.shape
    nothing = np.zeros(shape, bool)
    judged = strain.valid & (region.window.mass > WHOLE_WINDOW)
    judged &= np.count_nonzero(strain.significant, axis=0) > 2
    if len(region) < 3 or not judged.any():
        return nothing
    change = np.array(
        [w.frequency - g[:, None, None] for w, g in zip(region.waves, vectors, strict=True)]
    )
    gradient = -np.einsum("ikrc,kjrc->ijrc", strain.solution, change)
    residual = change + np.einsum("ki,ijrc->kjrc", vectors, gradient)
    residual *= strain.significant[:, None]
    magnitude = np.array([np.abs(wave.amplitude) for wave in region.waves])
    subset, inverses = combine_waves(strain.significant, noise.covariance, vectors)
    spread = region.window.gradient_noise[[0, 1], [0, 1]]
    squares, freedom = np.zeros(shape), np.zeros(shape)
    for number, inverse in enumerate(inverses):
        here = judged & (subset == number)
        if here.any():
            part = residual[:, :, here] * magnitude[:, None, here]
            total = np.sum(part * np.tensordot(inverse, part, 1), axis=0) / spread[:, here]
            squares[here] = 2.0 * np.pi**2 * total.sum(axis=0)
            freedom[here] = 2.0 * (np.count_nonzero(np.diag(inverse)) - 2)
    length = np.linalg.norm(vectors, axis=1)
    relative = np.sum((residual / length[:, None, None, None]) ** 2, axis=(0, 1))
    relative = relative / np.maximum(np.count_nonzero(strain.significant, axis=0), 1)
    steps = [
        region.coarse.resolution / float(positions[1] - positions[0]) if len(positions) > 1 else 1.0
        for positions in region.coarse.node_positions()[::-1]
    ]
    counted = judged.astype(float)
    ratio, around = (
        _averaged(values, weights, steps)
        for values, weights in ((squares, freedom), (relative * counted, counted))
    )
    # The average of a resolution tells it from noise, the node itself where it ends.
    relative = np.minimum(relative, around)
    own = np.divide(squares, freedom, out=np.zeros(shape), where=freedom > 0.0)
    ratio = np.minimum(ratio, own)
    found = judged & (ratio > SMALLEST_RATIO) & (relative > SMALLEST_RESIDUAL**2)
    if not found.any():
        return nothing
    strains = _largest_change(gradient.reshape(4, *shape), judged, steps)
    tiny = np.finfo(np.float32).tiny
    amplitudes = _largest_change(np.log(np.maximum(magnitude, tiny)), judged, steps)
    turn = region.coarse.resolution * np.sqrt(np.mean(length**2))
    limit = np.maximum(SMALLEST_SHARE * strains, SMALLEST_TURN / turn * amplitudes)
    return found & (relative > limit**2)


def _largest_change(fields: np.ndarray, judged: np.ndarray, steps: Sequence[float]) -> np.ndarray:
    """Largest difference of any field within two resolutions of each node."""
    size = [1 + 2 * int(np.ceil(REACH * step)) for step in steps]
    spans = []
    for values in fields:
        high = ndimage.maximum_filter(np.where(judged, values, -np.inf), size)
        low = ndimage.minimum_filter(np.where(judged, values, np.inf), size)
        spans.append(np.where(judged, high - low, 0.0))
    return np.max(spans, axis=0)


def _averaged(values: np.ndarray, weights: np.ndarray, steps: Sequence[float]) -> np.ndarray:
    """Average a sum over a resolution, relative to its weights."""
    total, mass = (
        ndimage.gaussian_filter(one, steps, mode="constant") for one in (values, weights)
    )
    return np.divide(total, mass, out=np.zeros_like(total), where=mass > np.finfo(np.float32).eps)


def whole_sums(vectors: np.ndarray) -> tuple[tuple[int, int], np.ndarray] | None:
    """Two vectors that make up the others with the smallest whole numbers, and these.

    Returns
    -------
    tuple of int, ndarray
        Indices of the two, and the numbers, shape (k, 2); None where there are no two.
    """
    best = None
    for pair in combinations(range(len(vectors)), 2):
        base = vectors[list(pair)]
        if abs(np.linalg.det(base)) < WHOLE_NUMBER * np.prod(np.linalg.norm(base, axis=1)):
            continue
        numbers = vectors @ np.linalg.inv(base)
        whole = np.rint(numbers)
        size = float(np.abs(whole).sum())
        if np.abs(numbers - whole).max() < WHOLE_NUMBER and (best is None or size < best[0]):
            best = size, pair, whole
    return None if best is None else (best[1], best[2])


def phase_invariants(
    pieces: Sequence[AnalysedPiece], regions: Sequence[int], vectors: np.ndarray
) -> PhaseInvariants | None:
    """Measure the phases of each region that no displacement changes.

    Parameters
    ----------
    pieces
        The pieces, analysed.
    regions
        Number of the region of each.
    vectors
        Reciprocal vectors (x, y) of the reference, shape (k, 2).

    Returns
    -------
    PhaseInvariants or None
        None where there are fewer than three waves, or they are no whole sums of two.
    """
    sums = whole_sums(vectors) if len(vectors) > 2 else None
    if sums is None:
        return None
    pair, numbers = sums
    others = [index for index in range(len(vectors)) if index not in pair]
    total = {one: np.zeros(len(others), complex) for one in regions}
    patches = {one: np.zeros(len(others)) for one in regions}
    for piece, label in zip(pieces, regions, strict=True):
        for place, index in enumerate(others):
            phasor, count = _mean_phasor(piece, index, pair, numbers[index])
            total[label][place] += phasor
            patches[label][place] += count
    names = sorted(total)
    counts = np.array([patches[one] for one in names])
    mean = np.array([total[one] for one in names])
    length = np.divide(np.abs(mean), counts, out=np.zeros(counts.shape), where=counts > 0.0)
    known = (counts > 1.0) & (length > 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Circular standard deviation over the patches.
        error = np.sqrt(-2.0 * np.log(np.minimum(length, 1.0 - np.finfo(np.float32).eps)) / counts)
    return PhaseInvariants(
        np.array(names, int),
        np.where(known, np.degrees(np.angle(mean)), np.nan),
        np.where(known, np.degrees(error), np.nan),
    )


def _mean_phasor(
    piece: AnalysedPiece, index: int, pair: tuple[int, int], numbers: np.ndarray
) -> tuple[complex, float]:
    """Sum of the phasors of one invariant over the independent patches of a piece; their number."""
    region = piece.region
    parts = [(index, 1.0), *zip(pair, -numbers, strict=True)]
    used = [one for one, _ in parts]
    inside = piece.strain.significant[used].all(axis=0) & piece.strain.valid
    whole = inside & (region.window.mass > WHOLE_WINDOW)
    inside = whole if whole.any() else inside
    if not inside.any():
        return 0j, 0.0
    turns = np.zeros(inside.shape)
    x, y = region.coarse.node_positions()
    for wave, times in parts:
        one = region.waves[wave]
        turns += times * np.angle(one.amplitude) / (2.0 * np.pi)
        turns += times * one.carrier[0] * (x + region.origin[0])[None, :]
        turns += times * one.carrier[1] * (y + region.origin[1])[:, None]
    phasors = np.exp(2j * np.pi * turns[inside])
    node = (x[-1] - x[0]) * (y[-1] - y[0]) / max((len(x) - 1) * (len(y) - 1), 1)
    count = len(phasors) * node / (PATCH * region.coarse.resolution**2)
    return complex(phasors.mean()) * count, count


def find_disagreement(
    field: StrainField, labels: np.ndarray, grid: Grid
) -> tuple[np.ndarray | None, dict[tuple[int, int], tuple[float, float]]]:
    """Find where the reflections disagree: inside regions, and along the outlines of two of them.

    Parameters
    ----------
    field
        The strain.
    labels
        Region of each pixel, shape (rows, columns), 0 where unassigned.
    grid
        Pixel grid.

    Returns
    -------
    pixels : ndarray or None
        Those inside regions, and those within one resolution of such outlines, boolean, shape
        (rows, columns); None where there are none.
    pairs : dict
        By how much the phases of two adjacent regions differ, and its standard error, in degrees.
    """
    pairs, pixels = {}, field.disagreeing
    if field.invariants is not None:
        for pair in adjacent_regions(labels):
            difference, error = field.invariants.compare(*pair)
            if abs(difference) > max(SMALLEST_PHASE, SIGNIFICANCE * error):
                pairs[pair] = difference, error
    for pair in pairs:
        near = _near_outline(labels, grid, pair, field.resolution)
        pixels = near if pixels is None else pixels | near
    return pixels, pairs


def describe_disagreement(
    pixels: np.ndarray, pairs: dict[tuple[int, int], tuple[float, float]]
) -> str:
    """Say where the reflections disagree, for the reader."""
    outlines = ", ".join(
        f"regions {first} and {second} ({difference:.0f} ± {error:.1g}°)"
        for (first, second), (difference, error) in pairs.items()
    )
    return (
        "the reflections disagree, as where the phases of structure factors change from one "
        f"compound to another, in {100.0 * np.mean(pixels):.2g} % of the image"
        + (f", along the outlines of {outlines}" if outlines else "")
        + ": strain there is not only that of the lattice, and displacements across it depend on "
        "the reflections"
    )


def _near_outline(
    labels: np.ndarray, grid: Grid, pair: tuple[int, int], distance: float
) -> np.ndarray:
    """Pixels of two regions within a distance of the outline that they share."""
    members = np.isin(labels, pair)
    apart = np.ones(labels.shape, bool)
    for axis in (0, 1):
        lines, inside, found = (np.moveaxis(one, axis, 0) for one in (labels, members, apart))
        edge = inside[:-1] & inside[1:] & (lines[:-1] != lines[1:])
        found[:-1] &= ~edge
        found[1:] &= ~edge
    return members & (ndimage.distance_transform_edt(apart, sampling=grid.scale[::-1]) <= distance)
