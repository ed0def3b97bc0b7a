"""Regions that share reflections, taken as one lattice in which dislocations can lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import Grid
from hyperspy_twin.strain.region_lattice import RegionLattice
from hyperspy_twin.strain.vectors import add_reflections, choose_shared_vectors


@dataclass(frozen=True, eq=False)
class Block:
    """One lattice that runs through several regions, strained and turned.

    Attributes
    ----------
    regions
        Numbers of its regions, that whose lattice gives lengths first.
    mask
        Its pixels, boolean, shape (rows, columns).
    vectors
        Reciprocal vectors (x, y) of the first region, shape (k, 2).
    carriers
        The same in the middle between those of all regions. Carriers of one side would shift the
        zero of each wave at an interface by 2 pi s^2 times what is between the sides.
    hkl
        Miller indices of the vectors, shape (k, 3); None without a phase.
    """

    regions: tuple[int, ...]
    mask: np.ndarray
    vectors: np.ndarray
    carriers: np.ndarray
    hkl: np.ndarray | None


def find_block(
    regions: Mapping[int, RegionLattice],
    labels: np.ndarray,
    grid: Grid,
    *,
    reference: int,
    resolution: float,
) -> Block:
    """Join the regions that share two reflections with the reference.

    Parameters
    ----------
    regions
        The regions by number.
    labels
        Region of each pixel, shape (rows, columns), 0 where unassigned.
    grid
        Pixel grid of the labels.
    reference
        Number of the region whose lattice is named.
    resolution
        Standard deviation of the window, in the unit of the grid. Gaps between outlines that are
        narrower than twice that are closed.

    Raises
    ------
    ValueError
        If the reference has no lattice, or shows no two reflections in different directions.
    """
    if reference not in regions or not regions[reference].has_lattice:
        raise ValueError(f"region {reference} shows no lattice in which dislocations could lie")
    peaks = {n: one.lattice_peaks for n, one in regions.items() if one.has_lattice}
    own = peaks.pop(reference)
    pair, peaks = choose_shared_vectors(own, peaks)
    vectors, _ = add_reflections(pair, own, regions[reference].lattice_hkl, peaks, resolution)
    partners = np.array([vectors, *(_nearest(vectors, one.position) for one in peaks.values())])
    members = (reference, *peaks)
    return Block(
        regions=members,
        mask=_close_gaps(np.isin(labels, members), labels == 0, resolution / grid.pixel_size),
        vectors=vectors,
        carriers=(partners.min(axis=0) + partners.max(axis=0)) / 2.0,
        hkl=_indices(vectors, regions[reference]),
    )


def _nearest(vectors: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Peak of a region, or its opposite, that is nearest to each vector (k, 2)."""
    both = np.concatenate([position, -position])
    distance = np.linalg.norm(both[None] - vectors[:, None], axis=2)
    return both[distance.argmin(axis=1)]


def _indices(vectors: np.ndarray, region: RegionLattice) -> np.ndarray | None:
    """Miller indices of the vectors, which are peaks of the region or their opposites."""
    if region.hkl is None or region.indexed is None or not region.indexed.any():
        return None
    hkl, position = region.hkl[region.indexed], region.lattice_peaks.position
    both = np.concatenate([position, -position])
    distance = np.linalg.norm(both[None] - vectors[:, None], axis=2)
    return np.concatenate([hkl, -hkl])[distance.argmin(axis=1)]


def _close_gaps(inside: np.ndarray, free: np.ndarray, radius: float) -> np.ndarray:
    """Add unassigned pixels between regions, so that no outline cuts a core at an interface."""
    if not free.any():
        return inside
    from skimage.morphology import isotropic_closing

    margin = int(np.ceil(radius)) + 1
    closed = isotropic_closing(np.pad(inside, margin, mode="edge"), radius)
    return inside | (free & closed[margin:-margin, margin:-margin])
