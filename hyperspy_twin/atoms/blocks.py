"""Regions that one crystal fills, and what several of them have in common."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hyperspy_twin.atoms.faults import FaultedImage
from hyperspy_twin.core import RegisteredLattice
from hyperspy_twin.registration import RepeatCell

logger = logging.getLogger(__name__)

# Strain along the beam to a common period, from which on the crystal is no longer the same.
LARGEST_BEAM_STRAIN = 0.1
# The same, from which on it is logged.
NOTABLE_BEAM_STRAIN = 0.02
# Difference of bases (Å) and origins (nm) that are the same but for rounding.
SAME_LATTICE = 1e-9


@dataclass(frozen=True)
class Block:
    """Regions that one crystal on one lattice fills.

    Coherent regions of different composition are blocks with the same base and origin.

    Attributes
    ----------
    lattice
        The crystal and its lattice, as registered in one of the regions.
    repeats
        Number of repeats along the beam.
    regions
        Labels of the regions to fill.
    bounds
        Rectangle (x_min, y_min, x_max, y_max) in nm that holds the regions.
    beam_length
        Length that the repeat of this crystal has along the beam, in Å, where it is not that of
        the lattice: a layer on the lattice of another crystal.
    area
        Pixels whose displacement is that from the lattice of this block, boolean, shape
        (rows, columns); None for all.
    faulted
        The planar faults of the lattice, and the image in which they were seen.
    """

    lattice: RegisteredLattice
    repeats: int
    regions: tuple[int, ...]
    bounds: tuple[float, float, float, float]
    beam_length: float | None = None
    area: np.ndarray | None = None
    faulted: FaultedImage | None = None


def beam_strains(
    blocks: Sequence[Block], cells: Sequence[RepeatCell], thickness: float
) -> tuple[float, ...]:
    """Find the strain along the beam of each block that fits its repeats to the thickness in Å."""
    for block in blocks:
        if block.repeats != int(block.repeats) or block.repeats < 1:
            raise ValueError(f"repeats must be a whole number >= 1, not {block.repeats}")
    own = [
        block.repeats * (cell.length if block.beam_length is None else block.beam_length)
        for block, cell in zip(blocks, cells, strict=True)
    ]
    strains = tuple(thickness / length - 1 for length in own)
    for block, strain in zip(blocks, strains, strict=True):
        if abs(strain) > LARGEST_BEAM_STRAIN:
            raise ValueError(
                f"regions {block.regions} would be strained by {100 * strain:.1f} % along the "
                "beam to share one period: choose a larger thickness, or along_beam='relaxed'"
            )
        if abs(strain) > NOTABLE_BEAM_STRAIN:
            logger.warning(
                "Regions %s are strained by %.1f %% along the beam to share %s.",
                block.regions,
                100 * strain,
                "the lattice of the reference; along_beam='relaxed' makes this smaller"
                if block.repeats == blocks[0].repeats
                else "one period; a larger thickness makes this smaller",
            )
    return strains


def lattice_groups(blocks: Sequence[Block], jumps: Sequence[bool]) -> np.ndarray:
    """Return a number for each block that those share of which no atoms can be too close.

    Where the displacement jumps, a site at the edge of one block can come next to one of another.
    """
    groups: list[int] = []
    for block in blocks:
        one = block.lattice
        same = (
            groups[i]
            for i, other in enumerate(blocks[: len(groups)])
            if other.lattice.displaced == one.displaced
            and not jumps[i]
            and other.repeats == block.repeats
            and np.allclose(other.lattice.base, one.base, rtol=0, atol=SAME_LATTICE)
            and np.allclose(other.lattice.origin, one.origin, rtol=0, atol=SAME_LATTICE)
        )
        groups.append(next(same, max(groups, default=-1) + 1))
    return np.array(groups)
