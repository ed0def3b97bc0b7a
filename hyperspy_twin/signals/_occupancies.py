"""Fractions of elements on the sites of a model, from maps that were placed on its image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from hyperspy_twin.core import ANGSTROM_PER_NM
from hyperspy_twin.signals._images import check_single, grid_of

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D

    from hyperspy_twin.atoms import Alloy, Sublattice
    from hyperspy_twin.core import Placement
    from hyperspy_twin.signals.composition_map import CompositionMap

# Standard deviation in nm of the window that makes the image of a lattice smooth: fringes of
# 0.4 nm, the widest of common crystals, keep exp(-2 pi^2 (0.25 / 0.4)^2) = 5e-4 of their amplitude.
LATTICE_BLUR = 0.25
# Å; length of the pieces of layers whose numbers of atoms are fixed, at least. Pieces of one or two
# atoms would make them alternate along a row.
SMALLEST_BLOCK = 30.0


def fractions_of_sites(
    positions: np.ndarray,
    numbers: np.ndarray,
    maps: CompositionMap,
    placement: Placement,
    sublattices: Sequence[Sublattice],
    elements: Sequence[str],
    guide: Signal2D | None,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Find the fractions of elements on sites, and what the history tells of them.

    Parameters
    ----------
    positions
        Sites in Å, shape (n, 3).
    numbers
        Atomic number of the element on each site as it is, shape (n,).
    maps, guide
        As for :meth:`AtomicModel.set_composition`.
    placement
        Where the maps lie.
    sublattices
        Elements that share sites.
    elements
        Elements of the columns of the result, which is 0 where a site has no fractions,
        shape (n, elements).
    """
    from ase.data import atomic_numbers, chemical_symbols

    from hyperspy_twin.atoms import equal_runs, share_sites
    from hyperspy_twin.composition.transfer import fractions_at_sites, map_pixels

    sublattice_of = np.full(len(chemical_symbols), -1, np.int8)
    for number, one in enumerate(sublattices):
        sublattice_of[[atomic_numbers[host] for host in one.hosts]] = number
    sublattice = sublattice_of[numbers]
    first, atoms = equal_runs(positions[:, 0], positions[:, 1], sublattice)
    sublattice = sublattice[first]
    points = positions[first, :2] / ANGSTROM_PER_NM
    pixels = map_pixels(points, placement, maps._grid)
    intensity = None if guide is None else _smooth_at(guide, points)
    fractions = np.zeros((len(points), len(elements)))
    outcome = {}
    shared = share_sites(sublattices, maps.elements, np.asarray(maps.data, float))
    for number, (one, own) in enumerate(zip(sublattices, shared, strict=True)):
        sites = np.flatnonzero(sublattice == number)
        found = fractions_at_sites(
            own, pixels[sites], None if intensity is None else intensity[sites]
        )
        known = np.isfinite(found.fractions[0])
        columns = [elements.index(symbol) for symbol in one.elements]
        fractions[np.ix_(sites[known], columns)] = found.fractions[:, known].T
        part = np.average(known, weights=atoms[sites])
        outcome[one.name] = {"part of the sites": round(float(part), 4)}
        if guide is not None:
            explained = round(float(found.explained.min()), 3)
            outcome[one.name]["variance that the guide explains"] = explained
    return np.repeat(fractions, atoms, axis=0), outcome


def alloy_of(sublattices: Sequence[Sublattice], maps: CompositionMap, placed: Placement) -> Alloy:
    """Record of the mixed sites of a model, in pieces as long as a pixel of the maps, or longer."""
    from hyperspy_twin.atoms import Alloy

    sides = placed.matrix[:, :2] * np.asarray(maps._grid.scale)
    side = float(np.sqrt(abs(np.linalg.det(sides))))
    return Alloy(tuple(sublattices), max(ANGSTROM_PER_NM * side, SMALLEST_BLOCK))


def _smooth_at(image: Signal2D, points: np.ndarray) -> np.ndarray:
    """Intensity of an image without its lattice fringes at points (x, y) in nm, shape (n,)."""
    check_single(image)
    y, x = (axis.get_axis_dictionary() for axis in image.axes_manager._axes[-2:])
    if x["units"] != "nm" or y["units"] != "nm":
        raise ValueError(
            f"the guide is in {x['units']}, not in nm: it has to be an image on the axes of the "
            "micrograph that the model was made of"
        )
    grid = grid_of([y, x])
    blur = [LATTICE_BLUR / step for step in grid.scale[::-1]]
    smooth = gaussian_filter(np.asarray(image.data, float), blur, mode="nearest")
    return map_coordinates(smooth, grid.to_pixels(points).T[::-1], order=1, mode="nearest")
