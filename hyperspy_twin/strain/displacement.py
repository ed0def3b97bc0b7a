"""Displacement in every pixel, of all pieces relative to one reference."""

from __future__ import annotations

import numpy as np
import scipy.sparse

from hyperspy_twin.core import Grid, kernel
from hyperspy_twin.strain.coarse_grid import STRIP, run_on_strips
from hyperspy_twin.strain.phase_unwrapping import (
    NodePhases,
    follow_phases,
    mean_phases,
    refine_displacement,
    relative_phases,
)
from hyperspy_twin.strain.strain_tensor import AnalysedPiece

# Turns by which a wave may differ from a whole number at a lattice vector: the vectors of strained
# or badly resolved reflections are no better.
WHOLE_TURN = 0.1
# Multiples of the shortest translations that are tried on either side.
NEIGHBOURS = 3


def measure_displacement(
    analysed: list[AnalysedPiece],
    grid: Grid,
    vectors: np.ndarray,
    reference: np.ndarray,
    weights: list[np.ndarray],
    result: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """Measure the displacement, with zero mean in the reference, and its cuts.

    Pieces that touch are shifted by the lattice vector that makes the median of the jump at
    their common outline smallest.

    Parameters
    ----------
    analysed
        The pieces.
    grid
        Pixels of the image.
    vectors
        Reciprocal vectors (x, y) of the reference lattice, shape (k, 2).
    reference
        Pixels of the reference, shape (rows, columns).
    weights
        Those of the reference at the nodes of each piece.
    result
        Where to write, float32, shape (2, rows, columns).

    Returns
    -------
    tuple of ndarray
        As of :class:`~hyperspy_twin.core.StrainField`.
    """
    found = [relative_phases(one.region, vectors) for one in analysed]
    main = int(np.argmax([weight.sum(dtype=float) for weight in weights]))
    shares = weights[main] * (analysed[main].strain.significant & analysed[main].strain.valid)
    offsets = mean_phases([found[main][0]], [shares])
    cuts: list[np.ndarray] = []
    order = [main, *(number for number in range(len(analysed)) if number != main)]
    for number in order:
        one, (phases, steps) = analysed[number], found[number]
        followed = follow_phases(
            one.region,
            one.strain,
            phases - offsets[:, None, None],
            steps,
            vectors,
            weights[number] > 0.0,
        )
        if number == main:
            total = np.maximum(shares.sum(axis=(1, 2), dtype=float), np.finfo(float).tiny)
            mean = np.sum(followed.phases * shares, axis=(1, 2)) / total
            offsets = offsets + mean
            followed = followed.shifted(mean, one.strain.solution)
        if followed.has_cut:
            cuts += _segments(one, followed, grid)
            _refine(one, followed, offsets, vectors, result)
        else:
            corner = one.box[0].start, one.box[1].start
            one.region.coarse.interpolate(
                one.filled(followed.displacement), one.pixels, result, corner=corner
            )
    if len(analysed) > 1:
        _join_pieces(result, analysed, vectors)
    for component in result:
        component -= np.float32(mean_inside(component, reference))
    return tuple(cuts)


def _refine(
    one: AnalysedPiece,
    followed: NodePhases,
    offsets: np.ndarray,
    vectors: np.ndarray,
    result: np.ndarray,
) -> None:
    """Displacement of a piece with cuts, which interpolation between nodes would blur."""
    region, coarse = one.region, one.region.coarse
    parts = [part for wave in region.waves for part in (wave.amplitude.real, wave.amplitude.imag)]
    fields = one.filled(np.array(parts))
    row_nodes, column_nodes = (
        np.minimum(np.rint(np.arange(size) * small / large).astype(np.int64), count - 1)
        for size, small, large, count in zip(
            coarse.shape, coarse.reduced, coarse.padded, coarse.nodes, strict=True
        )
    )
    excess = 2.0 * np.pi * (np.array([wave.carrier for wave in region.waves]) - vectors)
    x = region.origin[0] + np.arange(coarse.shape[1]) * coarse.scale[0]
    y = region.origin[1] + np.arange(coarse.shape[0]) * coarse.scale[1]
    waves = coarse.splines(fields)
    top, left = one.box[0].start, one.box[1].start

    def refine_rows(start: int, stop: int) -> None:
        rows = slice(start, stop)
        refine_displacement(
            waves.rows(start, stop), row_nodes[rows], column_nodes, excess, x, y[rows],
            one.strain.solution, followed.phases, followed.displacement, offsets,
            one.pixels[rows], result, top + start, left,
        )  # fmt: skip

    run_on_strips(refine_rows, coarse.shape[0], STRIP)


def _segments(one: AnalysedPiece, followed: NodePhases, grid: Grid) -> list[np.ndarray]:
    """Cuts of a piece, each as segments (x_1, y_1, x_2, y_2) between the nodes."""
    row, column = np.nonzero(followed.cut_x)
    upright = np.stack([column + 0.5, row - 0.5, column + 0.5, row + 0.5], axis=1)
    row, column = np.nonzero(followed.cut_y)
    level = np.stack([column - 0.5, row + 0.5, column + 0.5, row + 0.5], axis=1)
    segments = np.concatenate([upright, level])
    corners, index = np.unique(segments.reshape(-1, 2), axis=0, return_inverse=True)
    ends = index.reshape(-1, 2)
    graph = scipy.sparse.coo_array(
        (np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(corners), len(corners))
    )
    _, number = scipy.sparse.csgraph.connected_components(graph, directed=False)
    coarse = one.region.coarse
    step = np.array(coarse.padded[::-1]) / coarse.reduced[::-1] * coarse.scale
    place = segments * np.tile(step, 2) + np.tile(one.region.origin + np.array(grid.offset), 2)
    return [place[number[ends[:, 0]] == cut] for cut in np.unique(number)]


def _join_pieces(
    displacement: np.ndarray, analysed: list[AnalysedPiece], vectors: np.ndarray
) -> None:
    """Shift pieces by lattice vectors, in place, to make the jumps between neighbours smallest."""
    kind = np.int16 if len(analysed) <= np.iinfo(np.int16).max else np.int32
    piece = np.full(displacement.shape[1:], -1, kind)
    for number, one in enumerate(analysed):
        np.copyto(piece[one.box], number, where=one.pixels)
    jumps = _jumps(displacement, piece)
    joined, waiting = {0}, [0]
    shifts = np.zeros((len(analysed), 2))
    while waiting:
        here = waiting.pop()
        for (first, second), jump in jumps.items():
            for known, other, step in ((first, second, jump), (second, first, -jump)):
                if known == here and other not in joined:
                    shifts[other] = -_lattice_vector(step - shifts[known], vectors)
                    joined.add(other)
                    waiting.append(other)
    for one, shift in zip(analysed, shifts, strict=True):
        if shift.any():
            for component, distance in zip(displacement, shift, strict=True):
                part = component[one.box]
                np.add(part, np.float32(distance), out=part, where=one.pixels)


def _lattice_vector(jump: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Find the translation that all waves allow, nearest to a jump; 0 where none is near."""
    lengths = np.linalg.norm(vectors, axis=1)
    first, second = np.triu_indices(len(vectors), 1)
    determinant = vectors[first, 0] * vectors[second, 1] - vectors[first, 1] * vectors[second, 0]
    wide = np.abs(determinant) > 0.3 * lengths[first] * lengths[second]
    best = int(np.argmin(np.where(wide, np.abs(determinant), np.inf)))
    pair = vectors[[first[best], second[best]]]
    around = np.arange(-NEIGHBOURS, NEIGHBOURS + 1)
    turns = np.round(pair @ jump) + np.stack(np.meshgrid(around, around), axis=-1).reshape(-1, 2)
    shifts = turns @ np.linalg.inv(pair).T
    off = shifts @ vectors.T
    allowed = (np.abs(off - np.round(off)) <= WHOLE_TURN).all(axis=1)
    if not allowed.any():
        return np.zeros(2)
    shifts = shifts[allowed]
    return shifts[int(np.argmin(np.linalg.norm(shifts - jump, axis=1)))]


def _jumps(displacement: np.ndarray, piece: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """Median jump from one piece to another over their common outline."""
    first, second, jump = outline_jumps(displacement, piece)
    steps = {}
    for low, high in np.unique(np.stack([first, second], axis=1), axis=0).tolist():
        steps[low, high] = np.nanmedian(jump[(first == low) & (second == high)], axis=0)
    return steps


@kernel
def outline_jumps(
    displacement: np.ndarray, piece: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pieces of each pair of pixels that touch over an outline, and the jump from one to the other.

    ``displacement`` has the shape (2, rows, columns); ``piece`` is the number of the piece of each
    pixel, -1 for none. The first piece of each pair has the lower number.
    """
    rows, columns = piece.shape
    found = 0
    first, second = np.empty(0, np.int64), np.empty(0, np.int64)
    jump = np.empty((0, 2))
    for fill in (False, True):
        if fill:
            first, second = np.empty(found, np.int64), np.empty(found, np.int64)
            jump = np.empty((found, 2))
            found = 0
        for row in range(rows):
            for column in range(columns):
                here = piece[row, column]
                for i, j in ((row + 1, column), (row, column + 1)):
                    if here < 0 or i == rows or j == columns:
                        continue
                    there = piece[i, j]
                    if there < 0 or there == here:
                        continue
                    if fill:
                        sign = 1.0 if here < there else -1.0
                        first[found], second[found] = min(here, there), max(here, there)
                        for axis in range(2):
                            jump[found, axis] = sign * (
                                displacement[axis, i, j] - displacement[axis, row, column]
                            )
                    found += 1
    return first, second, jump


@kernel
def mean_inside(values: np.ndarray, mask: np.ndarray) -> float:
    """Mean of the finite values in a mask."""
    total = 0.0
    count = 0
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            value = values[row, column]
            if mask[row, column] and value == value:
                total += value
                count += 1
    return total / max(count, 1)
