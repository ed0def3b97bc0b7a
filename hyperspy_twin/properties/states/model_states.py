"""Electronic states of a model near an energy, by the method that suits its size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hyperspy_twin.core import begin_step
from hyperspy_twin.properties.density_of_states import BlockOperator, ModelHamiltonian
from hyperspy_twin.properties.kernel_polynomials import find_energy_window, require_memory
from hyperspy_twin.properties.states.found_states import FoundStates
from hyperspy_twin.properties.states.search import (
    COUNTING_VECTORS,
    SPARE,
    BlockLayout,
    Search,
    find_states,
    find_states_of_matrix,
)

# Atoms of which the Hamiltonian is inverted: factors fill up with the power 4/3 of the number, and
# 216 atoms take 5 s as filters do.
LARGEST_INVERTED = 200
# Bytes for each atom and vector: 20 complex numbers of 32 bits.
VECTOR_BYTES = 160
# Blocks that exist at once: three of the recursion, and as many arrays of the subspace.
BLOCKS = 7


def states_of_model(hamiltonian: ModelHamiltonian, search: Search) -> FoundStates:
    """Find the states of a model nearest to an energy.

    Parameters
    ----------
    hamiltonian
        Of the model.
    search
        What is looked for, in eV.

    Raises
    ------
    ValueError
        If the energy lies outside of the spectrum, or too many states lie near it.
    MemoryError
        If the vectors do not fit into the memory.
    """
    atoms = len(hamiltonian.blocks)
    operator = BlockOperator(hamiltonian, np.zeros(atoms, np.int32), 1)
    begin_step("ends of the spectrum")
    window = find_energy_window(operator.product, (operator.rows,), np.complex64)
    window.scaled(search.near)
    if atoms <= LARGEST_INVERTED:
        present = hamiltonian.present
        found = find_states_of_matrix(hamiltonian.matrix()[present][:, present], search)
        whole = np.zeros((len(present), len(found)), found.vectors.dtype)
        whole[present] = found.vectors
        return replace(found, vectors=whole)
    vectors = max(COUNTING_VECTORS, SPARE * search.count)
    require_memory({f"{vectors} vectors": float(atoms * vectors * VECTOR_BYTES * BLOCKS)})
    return find_states(operator, window, search, BlockLayout(operator.pack, operator.unpack))
