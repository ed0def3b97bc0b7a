"""Atoms sorted into the cells of a grid, and the pairs of atoms in adjacent cells.

In-plane the cells are those of a checked pattern, along a periodic direction they go on with the
images of the box. A direction that is shorter than the cutoff has one cell and several images.
"""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import kernel

# Bits that hold the image along one direction in the key by which neighbours are sorted.
IMAGE_BITS = 8
# Half of the images that these bits hold.
IMAGE_ZERO = 1 << (IMAGE_BITS - 1)
# The key of atom 0 in the first box.
ORIGIN = (((IMAGE_ZERO << IMAGE_BITS) + IMAGE_ZERO) << IMAGE_BITS) + IMAGE_ZERO


@kernel
def assign_cells(
    positions: np.ndarray,
    inverse: np.ndarray,
    low: np.ndarray,
    density: np.ndarray,
    shape: np.ndarray,
    periodic: np.ndarray,
    cell_of: np.ndarray,
    wraps: np.ndarray,
) -> int:
    """Write the cell of each atom and how many boxes it lies away from the first one.

    Parameters
    ----------
    positions
        Shape (n, 3).
    inverse
        Inverse of the box, whose rows are vectors, shape (3, 3).
    low, density
        Along each direction, the fractional coordinate where cells begin, and cells for each unit
        of it, shape (3,).
    shape, periodic
        Number of cells along each direction and whether the box repeats, shape (3,).
    cell_of, wraps
        Result, shapes (n,) and (n, 3).

    Returns
    -------
    int
        The largest number of boxes that an atom lies away.
    """
    farthest = 0
    for i in range(len(positions)):
        number = 0
        for d in range(3):
            along = (
                positions[i, 0] * inverse[0, d]
                + positions[i, 1] * inverse[1, d]
                + positions[i, 2] * inverse[2, d]
            )
            boxes = 0
            if periodic[d]:
                boxes = int(np.floor(along))
                along -= boxes
            along = (along - low[d]) * density[d]
            number = number * shape[d] + min(max(int(along), 0), shape[d] - 1)
            farthest = max(farthest, abs(boxes))
            wraps[i, d] = min(max(boxes, -IMAGE_ZERO), IMAGE_ZERO - 1)
        cell_of[i] = number
    return farthest


@kernel
def sort_into_cells(
    positions: np.ndarray,
    box: np.ndarray,
    cell_of: np.ndarray,
    wraps: np.ndarray,
    first: np.ndarray,
    keys: np.ndarray,
    packed: np.ndarray,
) -> None:
    """Write the atoms in the order of their cells.

    ``first`` (cells + 1) is where each cell begins, and ``packed`` (n, 3) are the positions inside
    the first box. ``keys`` (n,) hold the number of the atom and, in lower bits, the image in which
    its stored position is, for each direction the boxes from there plus ``IMAGE_ZERO``.
    """
    first[:] = 0
    for i in range(len(cell_of)):
        first[cell_of[i] + 1] += 1
    for c in range(len(first) - 1):
        first[c + 1] += first[c]
    # Backwards, so that each entry ends as the beginning of its own cell and not of the next.
    for i in range(len(cell_of) - 1, -1, -1):
        end = cell_of[i] + 1
        first[end] -= 1
        keys[first[end]] = i
    for c in range(len(first) - 1):
        first[c] = first[c + 1]
    first[len(first) - 1] = len(cell_of)
    for a in range(len(keys)):
        atom = keys[a]
        for d in range(3):
            keys[a] = (keys[a] << IMAGE_BITS) + IMAGE_ZERO - wraps[atom, d]
            packed[a, d] = positions[atom, d] - (
                wraps[atom, 0] * box[0, d] + wraps[atom, 1] * box[1, d] + wraps[atom, 2] * box[2, d]
            )


@kernel
def _gather_runs(
    cell: int,
    shape: np.ndarray,
    reach: np.ndarray,
    periodic: np.ndarray,
    first: np.ndarray,
    runs: np.ndarray,
    images: np.ndarray,
) -> int:
    """Write where the atoms around a cell stand, as runs of one image each; return their number.

    Cells that follow each other along the last direction follow each other in memory.
    """
    centre_x = cell // (shape[1] * shape[2])
    centre_y = (cell // shape[2]) % shape[1]
    centre_z = cell % shape[2]
    count = 0
    for x in range(centre_x - reach[0], centre_x + reach[0] + 1):
        image_x = x // shape[0]
        if image_x != 0 and not periodic[0]:
            continue
        for y in range(centre_y - reach[1], centre_y + reach[1] + 1):
            image_y = y // shape[1]
            if image_y != 0 and not periodic[1]:
                continue
            row = (x - image_x * shape[0]) * shape[1] + y - image_y * shape[1]
            z, last = centre_z - reach[2], centre_z + reach[2]
            while z <= last:
                image_z = z // shape[2]
                begin = z - image_z * shape[2]
                end = min(begin + last - z, shape[2] - 1)
                z += end - begin + 1
                if image_z != 0 and not periodic[2]:
                    continue
                runs[count, 0] = first[row * shape[2] + begin]
                runs[count, 1] = first[row * shape[2] + end + 1]
                images[count, 0], images[count, 1], images[count, 2] = image_x, image_y, image_z
                count += 1
    return count


@kernel
def count_pairs(
    from_cell: int,
    to_cell: int,
    shape: np.ndarray,
    reach: np.ndarray,
    periodic: np.ndarray,
    box: np.ndarray,
    first: np.ndarray,
    keys: np.ndarray,
    packed: np.ndarray,
    cutoff: float,
    counts: np.ndarray,
) -> None:
    """Write the number of neighbours of each atom of some cells."""
    most = (2 * reach[0] + 1) * (2 * reach[1] + 1) * (2 * reach[2] + 1)
    runs, images = np.empty((most, 2), np.int64), np.empty((most, 3), np.int64)
    for cell in range(from_cell, to_cell):
        if first[cell] == first[cell + 1]:
            continue
        around = _gather_runs(cell, shape, reach, periodic, first, runs, images)
        for a in range(first[cell], first[cell + 1]):
            found = 0
            for r in range(around):
                u, v, w = images[r, 0], images[r, 1], images[r, 2]
                x = u * box[0, 0] + v * box[1, 0] + w * box[2, 0] - packed[a, 0]
                y = u * box[0, 1] + v * box[1, 1] + w * box[2, 1] - packed[a, 1]
                z = u * box[0, 2] + v * box[1, 2] + w * box[2, 2] - packed[a, 2]
                for b in range(runs[r, 0], runs[r, 1]):
                    squared = (
                        (packed[b, 0] + x) ** 2 + (packed[b, 1] + y) ** 2 + (packed[b, 2] + z) ** 2
                    )
                    found += squared < cutoff * cutoff
            # Each atom has met itself once.
            counts[keys[a] >> (3 * IMAGE_BITS)] = found - 1


@kernel
def write_pairs(
    from_cell: int,
    to_cell: int,
    shape: np.ndarray,
    reach: np.ndarray,
    periodic: np.ndarray,
    box: np.ndarray,
    first: np.ndarray,
    keys: np.ndarray,
    packed: np.ndarray,
    cutoff: float,
    start: np.ndarray,
    index: np.ndarray,
    shift: np.ndarray,
) -> None:
    """Write the neighbours of each atom of some cells, sorted by index and image."""
    most = (2 * reach[0] + 1) * (2 * reach[1] + 1) * (2 * reach[2] + 1)
    runs, images = np.empty((most, 2), np.int64), np.empty((most, 3), np.int64)
    found, mask = np.empty(64, np.int64), (1 << IMAGE_BITS) - 1
    for cell in range(from_cell, to_cell):
        if first[cell] == first[cell + 1]:
            continue
        around = _gather_runs(cell, shape, reach, periodic, first, runs, images)
        for a in range(first[cell], first[cell + 1]):
            i = keys[a] >> (3 * IMAGE_BITS)
            if start[i + 1] - start[i] >= len(found):
                found = np.empty(2 * (start[i + 1] - start[i]), np.int64)
            # What the key of this atom adds to that of a neighbour in the same box.
            own = (i << (3 * IMAGE_BITS)) + ORIGIN - keys[a]
            count = 0
            for r in range(around):
                u, v, w = images[r, 0], images[r, 1], images[r, 2]
                x = u * box[0, 0] + v * box[1, 0] + w * box[2, 0] - packed[a, 0]
                y = u * box[0, 1] + v * box[1, 1] + w * box[2, 1] - packed[a, 1]
                z = u * box[0, 2] + v * box[1, 2] + w * box[2, 2] - packed[a, 2]
                image = own + (((u << IMAGE_BITS) + v) << IMAGE_BITS) + w
                itself = -1 if u != 0 or v != 0 or w != 0 else a
                for b in range(runs[r, 0], runs[r, 1]):
                    squared = (
                        (packed[b, 0] + x) ** 2 + (packed[b, 1] + y) ** 2 + (packed[b, 2] + z) ** 2
                    )
                    # Written in any case and kept if it is near: this is faster than a branch.
                    found[count] = keys[b] + image
                    count += (squared < cutoff * cutoff) & (b != itself)
            for k in range(1, count):
                key, place = found[k], k
                while place > 0 and found[place - 1] > key:
                    found[place] = found[place - 1]
                    place -= 1
                found[place] = key
            for k in range(count):
                key, to = found[k], start[i] + k
                index[to] = key >> (3 * IMAGE_BITS)
                shift[to, 0] = ((key >> (2 * IMAGE_BITS)) & mask) - IMAGE_ZERO
                shift[to, 1] = ((key >> IMAGE_BITS) & mask) - IMAGE_ZERO
                shift[to, 2] = (key & mask) - IMAGE_ZERO
