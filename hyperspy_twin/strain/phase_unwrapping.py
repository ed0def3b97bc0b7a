"""Displacement from the phases of the lattice waves, which are known modulo a turn.

All waves of a piece are followed together from node to node, where their amplitudes are high
first, so that they agree on one displacement. Around a dislocation no displacement is continuous:
it jumps by a lattice vector across a cut that ends at the core. Such cuts are found as the steps
from node to node in which the phases that were followed differ from the shortest step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hyperspy_twin.core import kernel
from hyperspy_twin.strain.lattice_waves import LatticeWaves
from hyperspy_twin.strain.strain_tensor import NodeStrain

# Levels of amplitude in which nodes are followed, up to the median of each wave: nodes of the same
# level are followed from the nearest on, which makes cuts short.
LEVELS = 8


@dataclass(frozen=True)
class NodePhases:
    """Phases and displacement at the nodes of one piece, followed along one tree of nodes.

    Attributes
    ----------
    phases
        Phase of each wave relative to the reference lattice in radians, shape (k, rows, columns).
    displacement
        Along x and y in the unit of the grid, shape (2, rows, columns).
    cut_x, cut_y
        Steps to the next node along x, shape (rows, columns - 1), and along y, shape
        (rows - 1, columns), across which the displacement jumps by a lattice vector.
    """

    phases: np.ndarray
    displacement: np.ndarray
    cut_x: np.ndarray
    cut_y: np.ndarray

    @property
    def has_cut(self) -> bool:
        """Whether the displacement jumps anywhere."""
        return bool(self.cut_x.any() or self.cut_y.any())

    def shifted(self, offsets: np.ndarray, solution: np.ndarray) -> NodePhases:
        """Phases less some offsets, shape (k,), and the displacement of these."""
        phases = self.phases - offsets[:, None, None]
        displacement = np.einsum("ik...,k...->i...", solution, phases) / (-2.0 * np.pi)
        return replace(self, phases=phases, displacement=displacement)


def relative_phases(region: LatticeWaves, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Phases relative to the reference lattice, modulo a turn, and the mean step of each.

    ``reference`` holds the reciprocal vectors (x, y) of the reference lattice, shape (k, 2). The
    phases have the shape (k, rows, columns) of the nodes; the steps to the next node along x and y
    are what the carriers of the piece add, shape (k, 2).
    """
    node_x, node_y = region.coarse.node_positions()
    x, y = (region.origin[0] + node_x)[None, :], (region.origin[1] + node_y)[:, None]
    excess = 2.0 * np.pi * (np.array([wave.carrier for wave in region.waves]) - reference)
    steps = excess * [np.diff(node_x[:2], append=0.0)[0], np.diff(node_y[:2], append=0.0)[0]]
    phases = np.array([np.angle(wave.amplitude) for wave in region.waves], float)
    phases += excess[:, :1, None] * x + excess[:, 1:, None] * y
    return phases, steps


def mean_phases(phases: list[np.ndarray], weights: list[np.ndarray]) -> np.ndarray:
    """Circular means of the phases over all pieces, shape (k,).

    ``weights`` are those of the nodes, zero where a wave is absent, for each piece of shape
    (k, rows, columns).
    """
    return np.angle(
        sum(np.sum(weight * np.exp(1j * phase), axis=(1, 2))
            for phase, weight in zip(phases, weights, strict=True))
    )  # fmt: skip


def follow_phases(
    region: LatticeWaves,
    strain: NodeStrain,
    phases: np.ndarray,
    steps: np.ndarray,
    reference: np.ndarray,
    start: np.ndarray,
) -> NodePhases:
    """Follow all waves of a piece from node to node.

    Parameters
    ----------
    region, strain
        The piece.
    phases, steps
        As of :func:`relative_phases`, less the phases where the displacement is zero.
    reference
        Reciprocal vectors (x, y) of the reference lattice, shape (k, 2).
    start
        Nodes that come first to begin with, boolean, shape (rows, columns): the best node of each
        connected part gets the smallest displacement that its phases allow.
    """
    magnitude = np.array([np.abs(wave.amplitude) for wave in region.waves])
    significant = strain.significant & strain.valid
    level = np.full(strain.valid.shape, LEVELS, np.int64)
    for one, present in zip(magnitude, significant, strict=True):
        if present.any():
            relative = (LEVELS / max(float(np.median(one[present])), 1e-30)) * one
            np.minimum(level, relative.astype(np.int64), out=level, where=present)
    first, second = _firm_pair(magnitude, reference)
    quality = level * region.window.mass * significant[[first, second]].all(axis=0)
    order = np.lexsort((-quality.ravel(), ~start.ravel()))
    turns, displacement = follow_nodes(
        phases, steps, significant, strain.valid, strain.solution, reference,
        np.linalg.inv(reference[[first, second]]), np.array([first, second]), level, order,
    )  # fmt: skip
    followed = phases + 2.0 * np.pi * turns
    cut = []
    for axis in (1, 0):
        jump = np.abs(np.diff(followed, axis=axis + 1) - steps[:, 1 - axis, None, None]) > np.pi
        both = np.minimum(
            *(np.take(significant, range(i, significant.shape[axis + 1] - 1 + i), axis + 1)
              for i in (0, 1))
        )  # fmt: skip
        cut.append((jump & both).any(axis=0))
    return NodePhases(followed, displacement, *cut)


@kernel
def follow_nodes(
    phases: np.ndarray,
    steps: np.ndarray,
    significant: np.ndarray,
    valid: np.ndarray,
    solution: np.ndarray,
    vectors: np.ndarray,
    pair_inverse: np.ndarray,
    pair: np.ndarray,
    level: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the turns that make the phases follow those of the neighbour first reached.

    Parameters
    ----------
    phases, steps
        As of :func:`follow_phases`.
    significant, valid
        Nodes at which each wave is present, shape (k, rows, columns), and at which enough are.
    solution
        Matrix that turns phases over -2 pi into displacements, shape (2, k, rows, columns).
    vectors
        Reciprocal vectors (x, y), shape (k, 2).
    pair_inverse, pair
        Two waves by which a part is begun, and the inverse of their vectors.
    level
        The higher, the sooner a node is reached, from 0, shape (rows, columns).
    order
        Indices of the nodes in the order in which parts are begun.

    Returns
    -------
    turns
        Whole numbers, shape (k, rows, columns).
    displacement
        Shape (2, rows, columns); 0 at nodes that are not valid.
    """
    count, rows, columns = phases.shape
    turn = 2.0 * np.pi
    turns = np.zeros((count, rows, columns))
    displacement = np.zeros((2, rows, columns))
    reached = np.zeros((rows, columns), np.bool_)
    # A queue for each level, as lists of entries: where from, where to.
    levels = level.max() + 1
    head, tail = np.full(levels, -1), np.full(levels, -1)
    after = np.full(4 * rows * columns + 1, -1)
    source = np.empty(4 * rows * columns + 1, np.int64)
    goal = np.empty(4 * rows * columns + 1, np.int64)
    entries = 0
    for begin in order:
        row, column = begin // columns, begin % columns
        if reached[row, column] or not valid[row, column]:
            continue
        # Of the smallest displacements that two phases allow, that which the others agree with.
        u_x = u_y = 0.0
        best = np.inf
        for a in range(-2, 3):
            for b in range(-2, 3):
                first = phases[pair[0], row, column] / turn
                second = phases[pair[1], row, column] / turn
                first = a - first + np.round(first)
                second = b - second + np.round(second)
                x = pair_inverse[0, 0] * first + pair_inverse[0, 1] * second
                y = pair_inverse[1, 0] * first + pair_inverse[1, 1] * second
                misfit = 1e-3 * (a * a + b * b)
                for k in range(count):
                    if significant[k, row, column]:
                        off = vectors[k, 0] * x + vectors[k, 1] * y + phases[k, row, column] / turn
                        misfit += (off - np.round(off)) ** 2
                if misfit < best:
                    best, u_x, u_y = misfit, x, y
        previous = -1
        node = begin
        while True:
            row, column = node // columns, node % columns
            if not reached[row, column]:
                reached[row, column] = True
                if previous >= 0:
                    u_x = displacement[0, previous // columns, previous % columns]
                    u_y = displacement[1, previous // columns, previous % columns]
                s_x = s_y = 0.0
                for k in range(count):
                    if significant[k, row, column]:
                        expected = -turn * (vectors[k, 0] * u_x + vectors[k, 1] * u_y)
                        if previous >= 0:
                            i, j = previous // columns, previous % columns
                            if significant[k, i, j]:
                                expected = phases[k, i, j] + turn * turns[k, i, j]
                            expected += steps[k, 0] * (column - j) + steps[k, 1] * (row - i)
                        whole = np.round((expected - phases[k, row, column]) / turn)
                        turns[k, row, column] = whole
                        phase = (phases[k, row, column] + turn * whole) / -turn
                        s_x += solution[0, k, row, column] * phase
                        s_y += solution[1, k, row, column] * phase
                displacement[0, row, column], displacement[1, row, column] = s_x, s_y
                for direction in range(4):
                    i = row + (direction == 0) - (direction == 1)
                    j = column + (direction == 2) - (direction == 3)
                    if 0 <= i < rows and 0 <= j < columns and valid[i, j] and not reached[i, j]:
                        queue = min(level[row, column], level[i, j])
                        source[entries], goal[entries] = node, i * columns + j
                        if tail[queue] >= 0:
                            after[tail[queue]] = entries
                        else:
                            head[queue] = entries
                        tail[queue] = entries
                        entries += 1
            queue = levels - 1
            while queue >= 0 and head[queue] < 0:
                queue -= 1
            if queue < 0:
                break
            entry = head[queue]
            head[queue] = after[entry]
            if head[queue] < 0:
                tail[queue] = -1
            previous, node = source[entry], goal[entry]
    return turns, displacement


@kernel
def refine_displacement(
    waves: np.ndarray,
    row_nodes: np.ndarray,
    column_nodes: np.ndarray,
    excess: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    solution: np.ndarray,
    phases: np.ndarray,
    displacement: np.ndarray,
    offsets: np.ndarray,
    mask: np.ndarray,
    result: np.ndarray,
    first_row: int,
    first_column: int,
) -> None:
    """Displacement at the pixels from that of the nearest node and the phase since.

    Parameters
    ----------
    waves
        Real and imaginary part of each amplitude at the pixels, shape (2 k, rows, columns).
    row_nodes, column_nodes
        Nearest node of each row and column.
    excess
        Angular frequencies (x, y) of the carriers less those of the reference, shape (k, 2).
    x, y
        Position of each column and row.
    solution, phases, displacement
        At the nodes, as of :func:`follow_nodes`.
    offsets
        Phase of each wave where the displacement is zero, shape (k,).
    mask
        Pixels to write, shape (rows, columns).
    result
        Where to write, shape (2, rows, columns) of at least the pixels.
    first_row, first_column
        Of the pixels in ``result``.
    """
    count = len(excess)
    rows, columns = mask.shape
    turn = 2.0 * np.pi
    for row in range(rows):
        i = row_nodes[row]
        for column in range(columns):
            if not mask[row, column]:
                continue
            j = column_nodes[column]
            u_x, u_y = displacement[0, i, j], displacement[1, i, j]
            for k in range(count):
                s_x, s_y = solution[0, k, i, j], solution[1, k, i, j]
                if s_x != 0.0 or s_y != 0.0:
                    phase = np.arctan2(waves[2 * k + 1, row, column], waves[2 * k, row, column])
                    phase += excess[k, 0] * x[column] + excess[k, 1] * y[row]
                    change = phase - offsets[k] - phases[k, i, j]
                    change -= turn * np.round(change / turn)
                    u_x -= s_x * change / turn
                    u_y -= s_y * change / turn
            result[0, first_row + row, first_column + column] = u_x
            result[1, first_row + row, first_column + column] = u_y


def _firm_pair(magnitude: np.ndarray, reference: np.ndarray) -> tuple[int, int]:
    """Two waves in clearly different directions, of which the weaker is as strong as can be."""
    unit = reference / np.linalg.norm(reference, axis=1, keepdims=True)
    power = np.mean(magnitude**2, axis=(1, 2))
    first, second = np.triu_indices(len(reference), 1)
    sine = unit[first, 0] * unit[second, 1] - unit[first, 1] * unit[second, 0]
    best = int(np.argmax(sine**2 * np.minimum(power[first], power[second])))
    return int(first[best]), int(second[best])
