"""Products of the Hamiltonian with vectors, and the step of the Chebyshev recursion around them.

Vectors lie as (n, 10, 4 v): for each atom and orbital the real and the imaginary part of spin up
and then of spin down, of one vector after the other. The matrices of atoms and bonds act on all
lanes alike, and spin-orbit coupling exchanges the four of each vector. An atom collects what all
its bonds bring, so that results do not depend on the order of the atoms or on threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hyperspy_twin.core import kernel, run_in_parts
from hyperspy_twin.properties.tight_binding.blocks import HamiltonianBlocks
from hyperspy_twin.properties.tight_binding.lanes import (
    SPINOR,
    WIDE,
    add_element_times,
    add_product,
    add_scaled,
    i_sigma_y,
    load,
    minus_i_sigma_x,
    minus_i_sigma_z,
    spinor_sum,
    store,
    zero_spinor,
    zero_wide,
)
from hyperspy_twin.properties.tight_binding.slater_koster import ORBITAL_COUNT

# Numbers of an atom's matrix, and of a bond's.
BLOCK = ORBITAL_COUNT**2
# Orbitals whose sums are kept in registers together.
HALF = ORBITAL_COUNT // 2
# Atoms of which sums are added one after the other: the parts are the same for any number of
# threads, and there are enough of them for many.
ATOMS_OF_PART = 2048


@dataclass(frozen=True)
class Scaling:
    """How the Hamiltonian is mapped to the window of the Chebyshev polynomials.

    Attributes
    ----------
    centre, half_width
        Of the energies in eV.
    factor
        1 for the first step, the product itself, and 2 for the others, twice the product less the
        vectors before.
    """

    centre: float = 0.0
    half_width: float = 1.0
    factor: int = 1


def step_recursion(
    blocks: HamiltonianBlocks,
    current: np.ndarray,
    previous: np.ndarray,
    *,
    scaling: Scaling,
    labels: np.ndarray | None = None,
    groups: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Replace ``previous`` by the next vectors of the Chebyshev recursion, and sum over groups.

    With x the Hamiltonian less the centre over the half width, these are ``x current`` for the
    factor 1, and ``2 x current - previous`` for 2.

    Parameters
    ----------
    blocks
        The Hamiltonian.
    current
        Vectors, shape (n, 10, 4 v), of the type of the blocks.
    previous
        Vectors before, of the same shape, which are overwritten. Not read for the factor 1.
    scaling
        Centre, half width and factor.
    labels
        Group of each atom from 0 on, or -1 for atoms of none, int32, shape (n,).
    groups
        Number of groups.

    Returns
    -------
    own, cross : numpy.ndarray
        Real parts of the sums of ``conj(next) next`` and of ``conj(next) current`` over the atoms
        of each group, float64, shape (groups, v). The same for any number of threads.

    Raises
    ------
    ValueError
        If shapes or types do not fit.
    """
    _check_lanes(blocks, current, previous)
    atoms = len(blocks)
    labels = np.full(atoms, -1, np.int32) if labels is None else labels
    labels = np.ascontiguousarray(labels, np.int32)
    if labels.shape != (atoms,) or labels.max(initial=-1) >= groups:
        raise ValueError(f"a group below {groups} for each of {atoms} atoms is needed")
    number = current.dtype.type
    scale = scaling.factor / scaling.half_width
    numbers = number(-scaling.centre), number(scale), number(-1 if scaling.factor == 2 else 0)
    parts = -(-atoms // ATOMS_OF_PART)
    sums = np.zeros((parts, 2, groups, current.shape[2] // SPINOR))
    arrays = _matrices(blocks), numbers, current, previous, labels, sums
    run_in_parts(lambda first, last: step_parts(first, last, *arrays), parts)
    own, cross = sums.sum(axis=0)
    return own, cross


def apply_hamiltonian(blocks: HamiltonianBlocks, vectors: np.ndarray) -> np.ndarray:
    """Hamiltonian times vectors in eV, both of shape (n, 10, 4 v)."""
    product = np.empty_like(vectors)
    step_recursion(blocks, vectors, product, scaling=Scaling())
    return product


def to_lanes(vectors: np.ndarray) -> np.ndarray:
    """Complex vectors in the order of the sparse matrix, (20 n, v), as (n, 10, 4 v)."""
    rows, count = vectors.shape
    spins = vectors.reshape(-1, 2, ORBITAL_COUNT, count).transpose(0, 2, 3, 1)
    lanes = np.ascontiguousarray(spins).view(vectors.real.dtype)
    return lanes.reshape(-1, ORBITAL_COUNT, SPINOR * count)


def from_lanes(lanes: np.ndarray) -> np.ndarray:
    """Reverse of :func:`to_lanes`."""
    atoms, _, width = lanes.shape
    number = np.result_type(lanes.dtype, np.complex64)
    spins = np.ascontiguousarray(lanes).view(number)
    spins = spins.reshape(atoms, ORBITAL_COUNT, width // SPINOR, 2).transpose(0, 3, 1, 2)
    return spins.reshape(2 * ORBITAL_COUNT * atoms, width // SPINOR)


def _matrices(blocks: HamiltonianBlocks) -> tuple[Any, ...]:
    matrices = (blocks.onsite, blocks.hopping, blocks.spin_orbit)
    return (*matrices, blocks.neighbour, blocks.bond, blocks.owned)


def _check_lanes(blocks: HamiltonianBlocks, *vectors: np.ndarray) -> None:
    for one in vectors:
        shape = (len(blocks), ORBITAL_COUNT, one.shape[-1])
        fits = one.shape == shape == vectors[0].shape and not shape[2] % SPINOR
        if not fits or one.dtype != blocks.onsite.dtype or not one.flags.c_contiguous:
            raise ValueError(
                f"vectors are contiguous, of the shape ({len(blocks)}, {ORBITAL_COUNT}, 4 v) and "
                f"of the type {blocks.onsite.dtype}, not {one.shape} of {one.dtype}"
            )
    if len(vectors) > 1 and np.may_share_memory(vectors[0], vectors[1]):
        raise ValueError("the next vectors need memory of their own")


@kernel
def step_parts(  # type: ignore[no-untyped-def]
    first, last, matrices, numbers, current, following, labels, sums
):
    """Make the next vectors for parts of the atoms, and the sums of each part."""
    atoms, width = current.shape[0], current.shape[2]
    wide, spinor = zero_wide(current), zero_spinor(current)
    for part in range(first, last):
        for i in range(part * ATOMS_OF_PART, min((part + 1) * ATOMS_OF_PART, atoms)):
            group = labels[i]
            lane = 0
            while lane + WIDE <= width:
                own, cross = step_atom(i, lane, matrices, numbers, current, following, wide)
                if group >= 0:
                    for vector in range(WIDE // SPINOR):
                        place = lane // SPINOR + vector
                        sums[part, 0, group, place] += spinor_sum(own, vector)
                        sums[part, 1, group, place] += spinor_sum(cross, vector)
                lane += WIDE
            while lane < width:
                own, cross = step_atom(i, lane, matrices, numbers, current, following, spinor)
                if group >= 0:
                    sums[part, 0, group, lane // SPINOR] += spinor_sum(own, 0)
                    sums[part, 1, group, lane // SPINOR] += spinor_sum(cross, 0)
                lane += SPINOR


@kernel
def step_atom(  # type: ignore[no-untyped-def]
    i, lane, matrices, numbers, current, following, zero
):
    """Make some lanes of the next vectors of an atom; their products lane by lane are returned."""
    onsite, hopping, spin_orbit, neighbour, bond, owned = matrices
    centre, scale, before = numbers
    width = current.shape[2]
    start = i * ORBITAL_COUNT * width + lane
    own, cross = zero, zero
    for half in range(2):
        row = half * HALF
        sums = zero, zero, zero, zero, zero
        sums = add_block(onsite, i * BLOCK + row, 1, ORBITAL_COUNT, current, start, sums)
        if half == 0:
            sums = add_spin_orbit(spin_orbit[i], current, start, sums)
        for slot in range(owned[i]):
            other = neighbour[i, slot] * ORBITAL_COUNT * width + lane
            place = bond[i, slot] * BLOCK + row * ORBITAL_COUNT
            sums = add_block(hopping, place, ORBITAL_COUNT, 1, current, other, sums)
        for slot in range(owned[i], 4):
            if neighbour[i, slot] < 0:
                break
            other = neighbour[i, slot] * ORBITAL_COUNT * width + lane
            place = bond[i, slot] * BLOCK + row
            sums = add_block(hopping, place, 1, ORBITAL_COUNT, current, other, sums)
        place = start + row * width
        for total in sums:
            now = load(current, place, zero)
            result = add_scaled(scale, add_scaled(centre, now, total), zero)
            if before != 0:
                result = add_scaled(before, load(following, place, zero), result)
            store(following, place, result)
            own, cross = add_product(result, result, own), add_product(result, now, cross)
            place += width
    return own, cross


@kernel
def add_block(matrix, place, row, column, vectors, start, sums):  # type: ignore[no-untyped-def]
    """Add five rows of a matrix, of these strides in its memory, times the vectors of an atom."""
    width = vectors.shape[2]
    s0, s1, s2, s3, s4 = sums
    for orbital in range(ORBITAL_COUNT):
        value = load(vectors, start + orbital * width, s0)
        at = place + orbital * column
        s0 = add_element_times(matrix, at, value, s0)
        s1 = add_element_times(matrix, at + row, value, s1)
        s2 = add_element_times(matrix, at + 2 * row, value, s2)
        s3 = add_element_times(matrix, at + 3 * row, value, s3)
        s4 = add_element_times(matrix, at + 4 * row, value, s4)
    return s0, s1, s2, s3, s4


@kernel
def add_spin_orbit(coupling, vectors, start, sums):  # type: ignore[no-untyped-def]
    """Add L.sigma times the coupling on p, whose x, y and z are the second to the fourth row."""
    width = vectors.shape[2]
    s, x, y, z, rest = sums
    at_x, at_y, at_z = (
        load(vectors, start + width, s),
        load(vectors, start + 2 * width, s),
        load(vectors, start + 3 * width, s),
    )
    x = add_scaled(coupling, minus_i_sigma_z(at_y), add_scaled(coupling, i_sigma_y(at_z), x))
    y = add_scaled(coupling, minus_i_sigma_x(at_z), add_scaled(-coupling, minus_i_sigma_z(at_x), y))
    z = add_scaled(-coupling, i_sigma_y(at_x), add_scaled(-coupling, minus_i_sigma_x(at_y), z))
    return s, x, y, z, rest
