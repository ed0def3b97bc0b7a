"""The box of a model, also where directions that do not repeat have no vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Volume over the product of the lengths below which the vectors lie in one plane.
FLAT = 1e-9


def complete_box(cell: np.ndarray, pbc: Sequence[bool]) -> tuple[np.ndarray, np.ndarray]:
    """Fill the missing vectors of a box with unit vectors across the others.

    Parameters
    ----------
    cell
        Box vectors as rows in Å, shape (3, 3).
    pbc
        Whether the box repeats along each of them.

    Returns
    -------
    box
        The same with no row of zeros.
    missing
        Which rows were, shape (3,).

    Raises
    ------
    ValueError
        If the box is malformed, has no volume or a direction repeats that has no vector.
    """
    box, periodic = np.array(cell, float), np.asarray(pbc, bool)
    if box.shape != (3, 3) or periodic.shape != (3,) or not np.isfinite(box).all():
        raise ValueError("cell must be three finite box vectors as rows, and pbc three booleans")
    missing = np.linalg.norm(box, axis=1) == 0
    if np.any(missing & periodic):
        raise ValueError(
            f"the box repeats along directions {np.flatnonzero(missing & periodic).tolist()} but "
            "its vectors there are zero: give them, or pbc=False"
        )
    for row in np.flatnonzero(missing):
        given = box[np.linalg.norm(box, axis=1) > 0]
        # The axis of this row, or the next, less its part along the given vectors.
        span = np.linalg.qr(given.T)[0] if len(given) else np.zeros((3, 0))
        across = np.eye(3) - span @ span.T
        longest = max((0, 1, 2), key=lambda step: round(across[:, (row + step) % 3].max(), 6))
        direction = across[:, (row + longest) % 3]
        box[row] = direction / np.linalg.norm(direction)
    if not abs(np.linalg.det(box)) > FLAT * np.prod(np.linalg.norm(box, axis=1)):
        raise ValueError("the box has no volume: its vectors lie in one plane")
    return box, missing
