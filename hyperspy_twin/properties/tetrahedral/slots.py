"""Kernels that put bonds into four slots for each atom."""

from __future__ import annotations

import numpy as np

from hyperspy_twin.core import kernel


@kernel
def choose_shortest(
    from_atom: int,
    to_atom: int,
    start: np.ndarray,
    distance: np.ndarray,
    bonded: np.ndarray,
    chosen: np.ndarray,
    crowded: np.ndarray,
) -> None:
    """Write the entries of the list of neighbours that hold the four shortest bonds."""
    for i in range(from_atom, to_atom):
        found = 0
        for k in range(start[i], start[i + 1]):
            if not bonded[k]:
                continue
            place = min(found, 4)
            while place > 0 and distance[chosen[i, place - 1]] > distance[k]:
                if place < 4:
                    chosen[i, place] = chosen[i, place - 1]
                place -= 1
            if place < 4:
                chosen[i, place] = k
            found += 1
        for slot in range(found, 4):
            chosen[i, slot] = -1
        crowded[i] = found > 4
        # In the order of the list, which does not change as atoms move a little.
        chosen[i, : min(found, 4)].sort()


@kernel
def link_slots(
    from_atom: int,
    to_atom: int,
    neighbour: np.ndarray,
    image: np.ndarray,
    chosen: np.ndarray,
    index: np.ndarray,
    shift: np.ndarray,
) -> None:
    """Keep the bonds that both atoms chose."""
    for i in range(from_atom, to_atom):
        kept = 0
        for slot in range(4):
            k = chosen[i, slot]
            if k < 0:
                break
            j = neighbour[k]
            mutual = False
            for other in range(4):
                back = chosen[j, other]
                if back >= 0 and neighbour[back] == i:
                    same = True
                    for d in range(3):
                        same = same and image[back, d] == -image[k, d]
                    mutual = mutual or same
            if mutual:
                index[i, kept] = j
                for d in range(3):
                    shift[i, kept, d] = image[k, d]
                kept += 1
        for slot in range(kept, 4):
            index[i, slot] = -1


@kernel
def find_reverse(
    from_atom: int, to_atom: int, index: np.ndarray, shift: np.ndarray, reverse: np.ndarray
) -> None:
    """Write the slot of each neighbour in which the bond leads back."""
    for i in range(from_atom, to_atom):
        for slot in range(4):
            j = index[i, slot]
            if j < 0:
                continue
            for other in range(4):
                if index[j, other] == i:
                    same = True
                    for d in range(3):
                        same = same and shift[j, other, d] == -shift[i, slot, d]
                    if same:
                        reverse[i, slot] = other


@kernel
def write_vectors(
    from_atom: int,
    to_atom: int,
    index: np.ndarray,
    shift: np.ndarray,
    cell: np.ndarray,
    positions: np.ndarray,
    found: np.ndarray,
) -> None:
    """Write the vectors from each atom to its neighbours."""
    for i in range(from_atom, to_atom):
        for slot in range(4):
            j = index[i, slot]
            if j < 0:
                continue
            for d in range(3):
                found[i, slot, d] = (
                    positions[j, d]
                    - positions[i, d]
                    + (
                        shift[i, slot, 0] * cell[0, d]
                        + shift[i, slot, 1] * cell[1, d]
                        + shift[i, slot, 2] * cell[2, d]
                    )
                )
