"""Blocks of regions that have no lattice in common, each analysed with a reference of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from hyperspy_twin.core import GradientNoise, Grid, StrainField
from hyperspy_twin.strain.gpa import geometric_phase_analysis
from hyperspy_twin.strain.plan import Plan, plan_analysis
from hyperspy_twin.strain.region_lattice import RegionLattice


@dataclass(frozen=True, eq=False)
class Block:
    """Regions whose strain is relative to the lattice of one of them.

    Attributes
    ----------
    reference
        Number of that region.
    regions
        Numbers of all of them.
    g
        Reciprocal vectors (x, y) of the reference, shape (k, 2).
    """

    reference: int
    regions: tuple[int, ...]
    g: np.ndarray


def analyse_other_blocks(
    image: np.ndarray,
    grid: Grid,
    regions: Mapping[int, RegionLattice],
    labels: np.ndarray,
    main: Plan,
    field: StrainField,
) -> tuple[StrainField, tuple[Block, ...], dict[int, str]]:
    """Add the strain of regions that cannot be compared with the reference.

    They are compared among themselves: the best of them is the next reference, and so on. Regions
    that have no phase are left out where others have one.

    Parameters
    ----------
    image
        Shape (rows, columns).
    grid
        Its pixel grid.
    regions
        The regions by number.
    labels
        Region of each pixel, shape (rows, columns), 0 where unassigned.
    main
        Plan of the analysis of the first block.
    field
        Its strain.

    Returns
    -------
    field : StrainField
        Strain of all blocks, each relative to its own reference; vectors and amplitudes are those
        of the first block, and displacements are those of each block alone.
    blocks : tuple of Block
        All blocks, the first one first.
    reasons : dict
        Why regions with a lattice have no strain, by their number.
    """
    indexed = any(one.indexed is not None for one in regions.values())
    first = main.choices.compared
    left = {
        n: one
        for n, one in regions.items()
        if n not in first and one.has_lattice and (one.indexed is not None or not indexed)
    }
    blocks = [Block(main.reference, first, field.vectors)]
    reasons: dict[int, str] = {}
    while left:
        try:
            plan = plan_analysis(
                left,
                np.where(np.isin(labels, list(left)), labels, 0),
                grid,
                resolution=main.resolution,
            )
        except ValueError as error:
            reasons |= dict.fromkeys(left, str(error))
            break
        members = plan.choices.compared
        try:
            found = geometric_phase_analysis(
                image,
                grid,
                plan.vectors,
                resolution=plan.resolution,
                reference=plan.reference_mask,
                labels=plan.labels,
                definition=field.definition,
                required=plan.required,
                others=plan.others,
            )
        except ValueError as error:
            # Others may share the lattice of another one of them.
            members = (plan.reference,)
            reasons[plan.reference] = str(error)
        else:
            field = _join(field, found, np.isin(labels, members))
            blocks.append(Block(plan.reference, members, found.vectors))
        left = {n: one for n, one in left.items() if n not in members}
    return field, tuple(blocks), reasons


def _join(field: StrainField, other: StrainField, inside: np.ndarray) -> StrainField:
    """Strain with that of another block in its pixels, and the noise of both."""
    maps = {
        one.name: np.where(inside, getattr(other, one.name), getattr(field, one.name))
        for one in fields(StrainField)
        if one.name.startswith(("e_", "u_", "sigma_", "rotation"))
    }
    noise = None
    if field.noise is not None and other.noise is not None:
        noise = _join_noise([field.noise, other.noise])
    return replace(field, **maps, noise=noise)


def _join_noise(parts: Sequence[GradientNoise]) -> GradientNoise:
    region, white, lines = (
        np.concatenate([getattr(one, name) for one in parts])
        for name in ("region", "white", "lines")
    )
    order = np.argsort(region)
    return GradientNoise(region[order], white[order], lines[order])
