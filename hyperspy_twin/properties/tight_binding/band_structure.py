"""Bands of small periodic cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hyperspy_twin.core import count_steps
from hyperspy_twin.properties.tight_binding.blocks import (
    HamiltonianBlocks,
    hamiltonian_blocks,
)
from hyperspy_twin.properties.tight_binding.parameters import tight_binding_parameters

if TYPE_CHECKING:
    from ase import Atoms

# Atoms of which all states are found at once: 10 000 spin-orbitals take 1.6 GB and minutes.
LARGEST_CELL = 500


def bands(atoms: Atoms, k: np.ndarray, *, parameters: str | None = None) -> np.ndarray:
    """Energies of all bands of a small cell, by sp3d5s* tight binding with spin-orbit coupling.

    Silicon, germanium and their alloys have the parameters of Niquet et al. [1]_ with their on-site
    strain terms; on-site terms of an alloy are those of the atom's own element, relative to the
    unstrained length of each bond, which is a choice (the mean of both elements gives gaps of SiGe
    up to 20 meV wider). III-V compounds and diamond have those of Jancu et al. [2]_, with integrals
    that fall with the square of the distance after Harrison rather than with fitted exponents.
    These hold for low temperature. Bonds that are missing at surfaces are passivated by a shift of
    their hybrids by 30 eV [3]_. The parameters of Boykin et al. [4]_ are for room temperature and
    have hydrogen on silicon [5]_, as atoms of the model, which then passivates; none are known for
    hydrogen on germanium. Their on-site strain terms are left out, so that they are for crystals
    of little strain: the valence band follows the volume 2 to 3.4 times as far as it should.

    Parameters
    ----------
    atoms : ase.Atoms
        Crystal of four-fold bonded atoms, periodic along those box vectors where it says so.
    k
        Wave vectors in units of the reciprocal box vectors, shape (n, 3). Along directions that are
        not periodic they have no effect.
    parameters
        ``"Niquet 2009"``, ``"Jancu 1998"`` or ``"Boykin 2004"``; default the first of these that
        has the elements, without hydrogen.

    Returns
    -------
    numpy.ndarray
        Energies in eV, ascending, shape (n, 20 times the atoms; 2 for hydrogen), relative to the
        valence band edge of silicon (Si, Ge and alloys; germanium has 0.68, and 0.77 by Boykin et
        al.) or of the compound. Two bands are filled for each bond: 4 for each atom of a bulk
        crystal.

    Raises
    ------
    ValueError
        For elements without parameters, overlapping or isolated atoms, more than four neighbours,
        wave vectors of another shape, or more than 500 atoms.

    References
    ----------
    .. [1] Y. M. Niquet, D. Rideau, C. Tavernier, H. Jaouen, X. Blase, Phys. Rev. B 79, 245201
       (2009).
    .. [2] J.-M. Jancu, R. Scholz, F. Beltram, F. Bassani, Phys. Rev. B 57, 6493 (1998).
    .. [3] S. Lee, F. Oyafuso, P. von Allmen, G. Klimeck, Phys. Rev. B 69, 045316 (2004).
    .. [4] T. B. Boykin, G. Klimeck, F. Oyafuso, Phys. Rev. B 69, 115201 (2004); bonds between
       silicon and germanium: T. B. Boykin, N. Kharche, G. Klimeck, Phys. Rev. B 76, 035310 (2007).
    .. [5] Y. Zheng, C. Rivas, R. Lake, K. Alam, T. B. Boykin, G. Klimeck, IEEE Trans. Electron
       Devices 52, 1097 (2005).

    Examples
    --------
    >>> from ase.build import bulk
    >>> from hyperspy_twin.properties import bands
    >>> energies = bands(bulk("Si", "diamond", 5.431), [[0, 0, 0]])
    >>> energies.shape
    (1, 40)
    """
    k = np.asarray(k, float)
    if k.ndim != 2 or k.shape[1] != 3 or not np.isfinite(k).all():
        raise ValueError(f"wave vectors have the shape (n, 3) and are finite, not {k.shape}")
    if len(atoms) > LARGEST_CELL:
        raise ValueError(
            f"bands are for cells of at most {LARGEST_CELL} atoms, not {len(atoms)}: see the "
            "electronic density of states of large models"
        )
    blocks = _blocks_of_cell(atoms, parameters)
    present = blocks.present
    found = np.empty((len(k), np.count_nonzero(present)))
    for i in count_steps(range(len(k)), "wave vector"):
        found[i] = np.linalg.eigvalsh(blocks.matrix(k[i])[present][:, present].toarray())
    return found


def _blocks_of_cell(atoms: Atoms, name: str | None) -> HamiltonianBlocks:
    parameters = tight_binding_parameters(atoms.numbers, name)
    species = parameters.species(atoms.numbers)
    bonds = parameters.bonds(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc)
    return hamiltonian_blocks(atoms.positions, species, bonds, parameters)
