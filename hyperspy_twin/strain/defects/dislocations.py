"""Dislocations along the beam: where, and with which Burgers vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyperspy_twin.core import Grid, count_steps
from hyperspy_twin.strain.defects.block import Block
from hyperspy_twin.strain.defects.burgers import (
    Candidates,
    Translations,
    list_candidates,
    match_burgers,
)
from hyperspy_twin.strain.defects.core_positions import column_width, locate_zeros, mean_zero
from hyperspy_twin.strain.defects.fault_vectors import translations_in_image
from hyperspy_twin.strain.defects.partials import find_partial, list_ends
from hyperspy_twin.strain.defects.planar_faults import find_in_region
from hyperspy_twin.strain.defects.windings import (
    Winding,
    chance_of_noise,
    find_windings,
    is_surrounded,
)
from hyperspy_twin.strain.lattice_waves import LatticeWaves, measure_lattice_waves
from hyperspy_twin.strain.noise import Noise, measure_noise
from hyperspy_twin.strain.pieces import Piece, find_pieces

# Second resolution over the first at which a dislocation has to be seen: windings that come from
# outside a lattice move or vanish.
FINER = 0.75


@dataclass(frozen=True, eq=False)
class Dislocations:
    """Dislocations along the beam.

    Attributes
    ----------
    position
        x and y in the frame of the grid, shape (n, 2).
    burgers
        Burgers vectors (x, y) in the image, of the lattice that the block names, shape (n, 2).
    indices
        The same in the axes of the crystal, shape (n, 3); NaN without a phase.
    alternative
        Another lattice vector of the same length and the same projection, shape (n, 3).
    error
        Standard error of the position along any direction, shape (n,).
    probability
        That it is not made by noise, shape (n,).
    partial
        Whether it ends a planar fault, boolean, shape (n,).
    """

    position: np.ndarray
    burgers: np.ndarray
    indices: np.ndarray
    alternative: np.ndarray
    error: np.ndarray
    probability: np.ndarray
    partial: np.ndarray


@dataclass(frozen=True, eq=False)
class _Core:
    position: np.ndarray
    error: float
    burgers: np.ndarray
    indices: np.ndarray
    alternative: np.ndarray
    chance: float
    partial: bool = False


def find_dislocations(
    image: np.ndarray,
    grid: Grid,
    block: Block,
    *,
    resolution: float,
    translations: Translations | None = None,
) -> Dislocations:
    """Find dislocations along the beam by the windings of the phases of lattice waves.

    Around a dislocation the phase of the wave g winds by -g.b turns [1]_. The Burgers vector is the
    lattice vector that agrees with the windings of all waves that are present; the sense of the
    circuit is right-handed about the beam, clockwise as seen on the screen, and the vector is the
    sum of the displacement along it [2]_. The position is the mean zero of the waves that wind
    once. What is not seen alike at a finer resolution is no dislocation, and neither is a place
    around which the lattice does not go on in all directions.

    The end of a planar fault is a partial dislocation. Its Burgers vector is what agrees with the
    windings less the jumps of the phases across the fault.

    Parameters
    ----------
    image
        Image, shape (rows, columns).
    grid
        Its pixel grid.
    block
        The lattice.
    resolution
        Standard deviation of the Gaussian window, in the unit of the grid.
    translations
        Of the crystal of the block; without them, Burgers vectors are in the image only.

    References
    ----------
    .. [1] M. J. Hytch, J.-L. Putaux, J.-M. Penisson, Nature 423 (2003) 270-273.
    .. [2] J. P. Hirth, J. Lothe, Theory of Dislocations, Wiley (1982), chapter 1.
    """
    candidates = list_candidates(block.vectors, block.hkl, translations)
    labels = None if block.mask.all() else block.mask.astype(np.int8)
    cores = [
        core
        for piece in count_steps(find_pieces(labels, grid, resolution), "dislocations of piece")
        for core in _find_in_piece(image, grid, piece, block, candidates, translations, resolution)
    ]
    return Dislocations(
        position=np.array([core.position for core in cores]).reshape(-1, 2) + grid.offset,
        burgers=np.array([core.burgers for core in cores]).reshape(-1, 2),
        indices=np.array([core.indices for core in cores]).reshape(-1, 3),
        alternative=np.array([core.alternative for core in cores]).reshape(-1, 3),
        error=np.array([core.error for core in cores]),
        probability=np.array([1.0 - min(core.chance, 1.0) for core in cores]),
        partial=np.array([core.partial for core in cores], bool),
    )


def _find_in_piece(
    image: np.ndarray,
    grid: Grid,
    piece: Piece,
    block: Block,
    candidates: Candidates,
    translations: Translations | None,
    resolution: float,
) -> list[_Core]:
    region = measure_lattice_waves(image, piece, grid.scale, block.carriers, resolution)
    noise = measure_noise([region])[0]
    windings = find_windings(region, noise)
    shifts = translations_in_image(block.vectors, block.hkl, translations)
    partials, others = [], windings
    for end in list_ends(region, find_in_region(region, noise, block.vectors, shifts)):
        own = [one for one in others if end.owns(one.position, resolution)]
        others = [one for one in others if one not in own]
        found = find_partial(region, noise, end, own, block, translations)
        partials.append(_Core(**vars(found), chance=0.0, partial=True))
    cores = _find_cores(region, noise, others, block, candidates)
    if not cores:
        return partials
    region = measure_lattice_waves(image, piece, grid.scale, block.carriers, FINER * resolution)
    noise = measure_noise([region])[0]
    finer = _find_cores(region, noise, find_windings(region, noise), block, candidates)
    return [*partials, *(core for core in cores if _persists(core, finer, resolution))]


def _find_cores(
    region: LatticeWaves,
    noise: Noise,
    windings: list[Winding],
    block: Block,
    candidates: Candidates,
) -> list[_Core]:
    found = []
    for winding in windings:
        candidate = match_burgers(winding.turns, winding.weights, block.vectors, candidates)
        if candidate is not None and is_surrounded(region, winding):
            turns = candidates.turns[candidate]
            single = np.flatnonzero((np.abs(turns) == 1) & (winding.turns == turns))
            zeros, _ = locate_zeros(region, noise, single, winding.position)
            found.append((winding, candidate, zeros))
    width = column_width([zeros for _, _, zeros in found])
    cores = []
    for winding, candidate, zeros in found:
        position, error = winding.position, region.coarse.resolution
        if len(zeros.variance):
            position, error = mean_zero(zeros, width)
        cores.append(
            _Core(
                position,
                error,
                candidates.burgers[candidate],
                candidates.indices[candidate],
                candidates.alternative[candidate],
                chance_of_noise(region, winding),
            )
        )
    return cores


def _persists(core: _Core, others: list[_Core], distance: float) -> bool:
    return any(
        np.array_equal(other.burgers, core.burgers)
        and np.linalg.norm(other.position - core.position) <= distance
        for other in others
    )
