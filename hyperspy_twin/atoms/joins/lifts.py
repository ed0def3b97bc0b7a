"""By how much crystals are shifted along the beam, which no image shows, to fit each other."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from hyperspy_twin.core import adjacent_regions

logger = logging.getLogger(__name__)

# Of a repeat along the beam: heights that differ by less are the same.
SAME_HEIGHT = 0.02
# Part of an outline that may lie beyond its plane, as at its ends, and of the columns of a layer
# that may find no partner.
EXCEPTED = 0.1


def find_lift(first: np.ndarray, second: np.ndarray, near: Sequence[list[int]]) -> float:
    """Shift of the second lattice along the beam, in repeats, with which atoms coincide.

    The heights of columns are in repeats, too; ``near`` are the columns of the second lattice at
    those of the first.
    """
    between = [height - second[columns] for height, columns in zip(first, near, strict=True)]
    for lift in between[0].tolist():
        off = [np.abs(one - lift - np.rint(one - lift)).min() for one in between]
        if np.mean(np.array(off) > SAME_HEIGHT) <= EXCEPTED:
            return float(lift - np.floor(lift))
    raise ValueError("their columns coincide, but not the atoms along them")


def add_up(
    lifts: Sequence[tuple[int, int, float]], labels: np.ndarray, owner: dict[int, int]
) -> dict[int, float]:
    """Lift of each region, by those between pairs of them.

    Adjacent regions on one lattice have the same.
    """
    same = [
        (one, other, 0.0)
        for one, other in adjacent_regions(labels)
        if owner.get(one, -1) == owner.get(other, -2)
    ]
    steps: dict[int, list[tuple[int, float]]] = {}
    for one, other, lift in (*same, *lifts):
        steps.setdefault(one, []).append((other, lift))
        steps.setdefault(other, []).append((one, -lift))
    found: dict[int, float] = {}
    for start in sorted(steps):
        waiting = [] if start in found else [start]
        found.setdefault(start, 0.0)
        for one in waiting:
            for other, lift in steps[one]:
                wanted = found[one] + lift
                if other not in found:
                    found[other] = wanted
                    waiting.append(other)
                elif abs(found[other] - wanted - round(found[other] - wanted)) > SAME_HEIGHT:
                    logger.warning("Regions %d and %d cannot be joined along the beam, as they are "
                                   "joined by others, too.", one, other)  # fmt: skip
    return found
