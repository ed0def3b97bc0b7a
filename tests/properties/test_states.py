"""States inside of a spectrum: of matrices whose eigenvalues are known."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hyperspy_twin.properties.kernel_polynomials import SparseOperator, find_energy_window
from hyperspy_twin.properties.states import (
    Search,
    find_states,
    find_states_of_matrix,
    participation_ratio,
)

# Of a dimerised chain: bands from 0.5 to 1.5 and from -1.5 to -0.5.
STRONG, WEAK = 1.0, 0.5
CELLS = 400


def dimerised_chain(impurity=None, cells=CELLS):
    """Ring of two sites in a cell; an impurity is an energy of one site."""
    size = 2 * cells
    bonds = np.where(np.arange(size) % 2 == 0, STRONG, WEAK)
    i = np.arange(size)
    matrix = scipy.sparse.coo_array((bonds, (i, (i + 1) % size)), (size, size)).tocsr()
    matrix = matrix + matrix.T
    if impurity is not None:
        place = scipy.sparse.coo_array(([impurity], ([cells], [cells])), (size, size))
        matrix = matrix + place
    return scipy.sparse.csr_array(matrix)


def found_in(matrix, search):
    operator = SparseOperator(matrix, np.zeros(matrix.shape[0], int))
    window = find_energy_window(operator.product, (matrix.shape[0],), matrix.dtype)
    return find_states(operator, window, search)


def test_a_gap_is_empty():
    for near, within in ((0.0, 0.2), (0.1, 0.15)):
        found = found_in(dimerised_chain(), Search(near, 4, within, 1e-3))
        assert len(found) == 0 and found.counted < 0.02
        assert found.density(2).shape == (0, CELLS)


@pytest.mark.parametrize("impurity", [1.0, -3.0])
@pytest.mark.parametrize("dtype", [np.float64, np.complex64])
def test_the_state_of_an_impurity_in_a_gap(impurity, dtype):
    """1 / impurity is the Green function of the chain at the energy of the state."""
    matrix = dimerised_chain(impurity)
    truth, vectors = np.linalg.eigh(matrix.toarray())
    matrix = matrix.astype(dtype)
    bound = np.flatnonzero(np.abs(truth) < 0.49)
    assert len(bound) == 1
    found = found_in(matrix, Search(float(truth[bound[0]]) + 0.02, 2, 0.08, 1e-3))
    assert found.energies == pytest.approx(truth[bound], abs=1e-3)
    weight = np.exp(-0.5 * (0.02 / 0.04) ** 2)
    assert found.counted == pytest.approx(weight, abs=3 * found.counted_error)
    assert 0.05 < found.counted_error < 0.8
    # The energy is within the residual of an eigenvalue, and in truth much nearer.
    assert (found.residuals < 1e-3).all()
    density = found.density(1)
    expected = vectors[:, bound].T ** 2
    assert density == pytest.approx(expected, abs=2e-2 * expected.max())
    assert participation_ratio(density) == pytest.approx(1 / np.sum(expected**2), rel=0.05)
    # A ghost is no state: no value without an eigenvalue within its residual.
    assert np.abs(truth[:, None] - found.energies).min(axis=0) == pytest.approx(0, abs=1e-3)


@settings(max_examples=6, deadline=None, derandomize=True)
@example(seed=70, near=0.01, count=4)  # a nearer state converges after farther ones
@given(seed=st.integers(0, 99), near=st.floats(-0.3, 0.3), count=st.sampled_from([2, 4]))
def test_interior_eigenvalues_of_random_sparse_matrices(seed, near, count):
    """Where there are many: the nearest ones, all of them eigenvalues, each once."""
    rng = np.random.default_rng(seed)
    upper = scipy.sparse.random_array((300, 300), density=0.02, rng=rng, data_sampler=rng.normal)
    matrix = scipy.sparse.csr_array(upper + upper.T)
    truth = np.linalg.eigvalsh(matrix.toarray())
    nearest = truth[np.argsort(np.abs(truth - near))[:count]]
    found = found_in(matrix, Search(near, count, 0.5, 2e-3))
    assert (found.residuals <= 2e-3).all()
    assert np.abs(truth[:, None] - found.energies).min(axis=0).max() < 2e-3
    missed = [one for one in nearest if np.abs(found.energies - one).min(initial=1) > 2e-3]
    assert not missed
    exact = find_states_of_matrix(matrix, Search(near, count, 10.0, 1e-6))
    assert np.sort(exact.energies) == pytest.approx(np.sort(nearest), abs=1e-8)


def test_pairs_are_found_whole():
    """Two equal chains: each level twice, the vectors at right angles."""
    one = dimerised_chain(3.0)
    matrix = scipy.sparse.csr_array(scipy.sparse.block_diag([one, one]))
    found = found_in(matrix, Search(0.0, 4, 0.4, 1e-3))
    assert len(found) == 2
    assert found.energies[0] == pytest.approx(found.energies[1], abs=1e-6)
    assert found.vectors.T @ found.vectors == pytest.approx(np.eye(2), abs=1e-9)


def test_small_matrices_by_shift_and_invert():
    matrix = dimerised_chain(3.0)
    truth = np.linalg.eigvalsh(matrix.toarray())
    bound = truth[np.abs(truth) < 0.49]
    found = find_states_of_matrix(matrix, Search(0.1, 4, 0.4, 1e-3))
    assert found.energies == pytest.approx(bound, abs=1e-10)
    assert len(find_states_of_matrix(dimerised_chain(), Search(0.0, 4, 0.3, 1e-3))) == 0


def test_bad_input():
    matrix = dimerised_chain()
    with pytest.raises(ValueError, match="spectrum, which runs from"):
        found_in(matrix, Search(3.0, 4, 0.1, 1e-3))
    with pytest.raises(ValueError, match="at least one state"):
        Search(0.0, 0, 0.1, 1e-3)
    with pytest.raises(ValueError, match="within is an energy above zero"):
        Search(0.0, 1, 0.0, 1e-3)
    with pytest.raises(ValueError, match="too many to tell"):
        levels = scipy.sparse.diags_array(np.linspace(-1, 1, 30_000) ** 3)
        found_in(scipy.sparse.csr_array(levels), Search(0.0, 1, 0.05, 1e-3))
