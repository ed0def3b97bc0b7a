"""Products with the Hamiltonian without its matrix, against the sparse one."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.properties import (
    hamiltonian_blocks,
    tight_binding_parameters,
)
from hyperspy_twin.properties.tight_binding import (
    Scaling,
    apply_hamiltonian,
    from_lanes,
    lanes,
    recursion_step,
    step_recursion,
    to_lanes,
)

PRECISION = {np.float64: 1e-13, np.float32: 1e-6}
PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def model(kind, dtype=np.float64):
    """Blocks of small cells: of an alloy, with surfaces, of two atoms, and polar."""
    if kind == "polar":
        atoms = bulk("InSb", "zincblende", a=6.4794, cubic=True)
    elif kind == "primitive":
        atoms = bulk("Ge", "diamond", a=5.658)
    else:
        atoms = bulk("Si", "diamond", a=5.55, cubic=True).repeat((2, 1, 1))
        atoms.numbers[np.random.default_rng(0).random(len(atoms)) < 0.5] = 32
    atoms.rattle(0.05, seed=1)
    if kind == "surface":
        atoms.pbc = (False, True, True)
    parameters = tight_binding_parameters(atoms.numbers)
    species = parameters.species(atoms.numbers)
    bonds = parameters.bonds(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc)
    return hamiltonian_blocks(atoms.positions, species, bonds, parameters, dtype=dtype)


def random_vectors(rows, count, dtype=np.float64, seed=0):
    parts = np.random.default_rng(seed).normal(size=(2, rows, count)).astype(dtype)
    return parts[0] + 1j * parts[1]


def test_lanes_hold_the_vectors():
    vectors = random_vectors(60, 3)
    packed = to_lanes(vectors)
    assert packed.shape == (3, 10, 12)
    # Atom 1, orbital 2, spin down, vector 1.
    assert packed[1, 2, 4 + 2] + 1j * packed[1, 2, 4 + 3] == vectors[20 + 10 + 2, 1]
    np.testing.assert_array_equal(from_lanes(packed), vectors)


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("kind", ["alloy", "surface", "primitive", "polar"])
def test_product_is_that_of_the_sparse_matrix(kind, dtype):
    exact = model(kind).matrix()
    # Four vectors at once and one more.
    vectors = random_vectors(exact.shape[0], 5, dtype)
    expected = exact @ vectors.astype(complex)
    found = from_lanes(apply_hamiltonian(model(kind, dtype), to_lanes(vectors)))
    assert found.dtype == np.result_type(dtype, np.complex64)
    assert np.abs(found - expected).max() < PRECISION[dtype] * np.abs(expected).max()


@settings(max_examples=5, deadline=None, derandomize=True)
@given(st.integers(0, 1000), st.sampled_from([1, 4, 6]), st.sampled_from([1, 2]))
def test_step_and_its_sums(seed, count, factor):
    blocks = model("surface")
    matrix = blocks.matrix()
    centre, half_width = 15.0, 30.0
    before, now = (random_vectors(matrix.shape[0], count, seed=seed + i) for i in (0, 1))
    expected = factor / half_width * (matrix @ now - centre * now)
    if factor == 2:
        expected -= before
    labels = np.random.default_rng(seed).integers(-1, 3, len(blocks))
    following, current = to_lanes(before), to_lanes(now)
    own, cross = step_recursion(
        blocks,
        current,
        following,
        scaling=Scaling(centre, half_width, factor),
        labels=labels,
        groups=3,
    )
    np.testing.assert_allclose(from_lanes(following), expected, atol=1e-12)
    np.testing.assert_array_equal(from_lanes(current), now)
    of_row = np.repeat(labels, 20)
    for group in range(3):
        inside = of_row == group
        squares = (np.abs(expected[inside]) ** 2).sum(axis=0)
        products = (expected[inside].conj() * now[inside]).real.sum(axis=0)
        np.testing.assert_allclose(own[group], squares, atol=1e-11)
        np.testing.assert_allclose(cross[group], products, atol=1e-11)


def test_first_step_does_not_read_what_was_there():
    blocks = model("primitive")
    vectors = to_lanes(random_vectors(40, 4))
    following = np.full_like(vectors, np.nan)
    step_recursion(blocks, vectors, following, scaling=Scaling(1.0, 2.0, 1))
    assert np.isfinite(following).all()


def test_sums_do_not_depend_on_threads(monkeypatch):
    monkeypatch.setattr(recursion_step, "ATOMS_OF_PART", 3)
    blocks = model("alloy", np.float32)
    vectors = to_lanes(random_vectors(20 * len(blocks), 4, np.float32))
    labels = np.arange(len(blocks)) % 2
    found = []
    threads = numba.get_num_threads()
    for number in {1, numba.config.NUMBA_NUM_THREADS}:
        numba.set_num_threads(number)
        following = vectors.copy()
        sums = step_recursion(
            blocks, vectors, following, scaling=Scaling(0, 50, 2), labels=labels, groups=2
        )
        found.append((following, *sums))
    numba.set_num_threads(threads)
    for one, other in zip(found[0], found[-1], strict=True):
        np.testing.assert_array_equal(one, other)


def test_python_form_of_the_kernels(monkeypatch):
    blocks = model("surface")
    vectors = random_vectors(20 * len(blocks), 5)
    labels = np.zeros(len(blocks), np.int32)

    def step():
        following = to_lanes(vectors[::-1].copy())
        sums = step_recursion(
            blocks,
            to_lanes(vectors),
            following,
            scaling=Scaling(10, 40, 2),
            labels=labels,
            groups=1,
        )
        return following, *sums

    compiled = step()
    for name in ("step_parts", "step_atom", "add_block", "add_spin_orbit"):
        monkeypatch.setattr(recursion_step, name, getattr(recursion_step, name).py_func)
    for one, other in zip(step(), compiled, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-13)


def test_spin_operators_are_pauli_matrices():
    spinors = random_vectors(2, 3)
    packed = np.ascontiguousarray(spinors.T).view(float).reshape(-1)
    for function, expected in (
        (lanes.minus_i_sigma_x, -1j * PAULI[0] @ spinors),
        (lanes.i_sigma_y, 1j * PAULI[1] @ spinors),
        (lanes.minus_i_sigma_z, -1j * PAULI[2] @ spinors),
    ):
        found = function(packed).view(complex).reshape(3, 2).T
        np.testing.assert_allclose(found, expected, atol=1e-15)


@pytest.mark.parametrize(
    ("shape", "dtype", "message"),
    [
        ((2, 10, 4), np.float32, "type float64"),
        ((2, 10, 3), np.float64, "shape"),
        ((3, 10, 4), np.float64, "shape"),
    ],
)
def test_vectors_that_do_not_fit(shape, dtype, message):
    with pytest.raises(ValueError, match=message):
        apply_hamiltonian(model("primitive"), np.zeros(shape, dtype))


def test_groups_and_memory_that_do_not_fit():
    blocks = model("primitive")
    vectors = np.zeros((2, 10, 4))
    with pytest.raises(ValueError, match="a group below 1"):
        step_recursion(
            blocks, vectors, vectors.copy(), scaling=Scaling(), labels=np.array([0, 1]), groups=1
        )
    with pytest.raises(ValueError, match="memory of their own"):
        step_recursion(blocks, vectors, vectors, scaling=Scaling())


def test_memory_for_each_atom():
    atoms = bulk("Si", "diamond", a=5.431, cubic=True).repeat(3)
    parameters = tight_binding_parameters([14])
    species = parameters.species(atoms.numbers)
    bonds = parameters.bonds(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc)
    blocks = hamiltonian_blocks(atoms.positions, species, bonds, parameters, dtype=np.float32)
    assert blocks.nbytes <= 1300 * len(atoms)
