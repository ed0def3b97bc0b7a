"""Parts of a model: by region, element, rectangle and plane."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def select_atoms(
    positions: np.ndarray,
    numbers: np.ndarray,
    region: np.ndarray,
    *,
    regions: Sequence[int] | None = None,
    elements: Sequence[int] | None = None,
    rectangle: Sequence[float] | None = None,
    slab: tuple[np.ndarray, float, float] | None = None,
) -> np.ndarray:
    """Mark the atoms that meet all conditions.

    Parameters
    ----------
    positions, numbers, region
        Of the atoms; shapes (n, 3), (n,), (n,), positions in any unit of length.
    regions, elements
        Numbers of regions and atomic numbers that are kept.
    rectangle
        Edges (left, top, right, bottom) in the image plane.
    slab
        Normal (x, y, z), distance of the middle from the origin along it, and width.

    Returns
    -------
    numpy.ndarray
        Boolean, shape (n,).

    Raises
    ------
    ValueError
        If a region or element is not in the model, the rectangle or slab has no extent, or no
        atom is left.
    """
    keep = np.ones(len(positions), bool)
    for name, present, wanted in (("region", region, regions), ("element", numbers, elements)):
        if wanted is not None:
            known = np.unique(present)
            absent = sorted(set(wanted) - set(known.tolist()))
            if absent or not len(wanted):
                raise ValueError(f"the model has no {name} {absent}: it has {known.tolist()}")
            keep &= np.isin(present, wanted)
    if rectangle is not None:
        left, top, right, bottom = rectangle
        if not (left < right and top < bottom):
            raise ValueError(
                f"a box is (left, top, right, bottom) with left < right and top < bottom, not "
                f"{tuple(rectangle)}"
            )
        for axis, low, high in ((0, left, right), (1, top, bottom)):
            keep &= (positions[:, axis] >= low) & (positions[:, axis] <= high)
    if slab is not None:
        normal, distance, width = slab
        length = np.linalg.norm(normal)
        if not (np.isfinite(length) and length > 0 and width > 0 and np.isfinite(distance)):
            raise ValueError(
                "a plane is (normal, distance, width): a direction that is not zero, where the "
                f"middle lies along it, and a width above zero, not {slab}"
            )
        keep &= np.abs(positions @ (np.asarray(normal, float) / length) - distance) <= 0.5 * width
    if not keep.any():
        raise ValueError("no atom of the model meets all these conditions")
    return keep
