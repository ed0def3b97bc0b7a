"""Force constants against derivatives of the energy, and what symmetry demands of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.properties.phonons import force_constants, hessian

from .conftest import alloy, bonds_of, gradient, valence_field

MODELS = {
    "periodic": dict(times=2),
    "surface": dict(times=2, pbc=(True, True, False)),
    "wire": dict(times=2, pbc=(False, False, True)),
    "primitive": dict(times=1, cubic=False, rattle=0.02),
}


def dense(constants):
    """Square matrix, by plain sums."""
    atoms = len(constants)
    found = np.zeros((atoms, 3, atoms, 3))
    for blocks, columns in zip(constants.blocks.swapaxes(0, 1), constants.index.T, strict=True):
        np.add.at(found, (np.arange(atoms), slice(None), columns), blocks)
    return found.reshape(3 * atoms, 3 * atoms)


def made(atoms, field, **options):
    bonded = bonds_of(atoms, field.name)
    return force_constants(atoms.positions, bonded, **options), (bonded, field)


@pytest.mark.parametrize("model", MODELS)
def test_are_derivatives_of_the_gradient(model, field):
    atoms = alloy(**MODELS[model])
    constants, parts = made(atoms, field)
    rng = np.random.default_rng(1)
    for _ in range(3):
        direction = rng.standard_normal(atoms.positions.shape)
        step = 1e-3 / np.abs(direction).max()
        # Exact for the gradient of an energy that is a quartic of the positions.
        slope = (
            sum(
                weight * gradient(atoms.positions + steps * step * direction, *parts)
                for steps, weight in ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))
            )
            / step
        )
        found = constants.product(direction)
        assert np.abs(found - slope).max() < 1e-9 * np.abs(slope).max()


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 1000),
    fraction=st.floats(0, 1),
    open_sides=st.sets(st.integers(0, 2), max_size=2),
    name=st.sampled_from(["keating", "modified"]),
)
def test_symmetry_and_sums(seed, fraction, open_sides, name):
    pbc = [side not in open_sides for side in range(3)]
    atoms = alloy(2, fraction, seed=seed, pbc=pbc)
    matrix = dense(made(atoms, valence_field(name))[0])
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-13)
    sums = matrix.reshape(len(matrix), -1, 3).sum(axis=1)
    np.testing.assert_allclose(sums, 0, atol=1e-13)


def test_turning_a_crystal_at_rest_costs_no_energy(field):
    atoms = alloy(2, 0.0, rattle=0.0, pbc=False, edge=5.431)
    matrix = dense(made(atoms, field)[0])
    turned = np.cross([1.0, 2.0, 3.0], atoms.positions - atoms.positions.mean(axis=0))
    np.testing.assert_allclose(matrix @ turned.ravel(), 0, atol=1e-11)


def test_products_are_those_of_the_matrix(field):
    atoms = alloy(2, pbc=(True, False, True))
    constants, _ = made(atoms, field)
    matrix = dense(constants)
    np.testing.assert_allclose(constants.to_sparse().toarray(), matrix, atol=1e-14)
    vectors = np.random.default_rng(0).standard_normal((len(atoms), 3, 5))
    expected = (matrix @ vectors.reshape(-1, 5)).reshape(vectors.shape)
    np.testing.assert_allclose(constants.product(vectors), expected, atol=1e-12)
    single = constants.product(vectors[..., 0])
    np.testing.assert_allclose(single, expected[..., 0], atol=1e-12)


def test_missing_bonds_leave_zero_blocks():
    atoms = alloy(2, pbc=(True, True, False))
    constants, (bonded, _) = made(atoms, valence_field("keating"))
    bonds = bonded.bonds
    lacking = bonds.count < 4
    assert lacking.any()
    missing = np.nonzero(bonds.index < 0)
    assert (constants.blocks[missing[0], 1 + missing[1]] == 0).all()
    assert (constants.index[missing[0], 1 + missing[1]] == missing[0]).all()


def test_short_blocks_are_the_rounded_ones(field):
    atoms = alloy(2)
    constants, _ = made(atoms, field)
    short, _ = made(atoms, field, precision=np.float32)
    assert constants.blocks.shape[1] == (29 if field.coplanar.any() else 17)
    assert short.blocks.itemsize == 4
    np.testing.assert_array_equal(short.blocks, constants.blocks.astype(np.float32))


@pytest.mark.parametrize("threads", [1, 2])
def test_kernels_as_python(threads, field, monkeypatch):
    atoms = alloy(1)
    expected, _ = made(atoms, field)
    vectors = np.random.default_rng(0).standard_normal((len(atoms), 3, 2))
    product = expected.product(vectors)
    for name in ("assemble_rows", "multiply_rows"):
        monkeypatch.setattr(
            f"hyperspy_twin.properties.phonons.block_rows.{name}",
            getattr(hessian, name).py_func,
        )
    for name in ("_derive_by_bond", "_derive_chain", "_add_chain"):
        monkeypatch.setattr(hessian, name, getattr(hessian, name).py_func)
    monkeypatch.setattr("numba.get_num_threads", lambda: threads)
    found, _ = made(atoms, field)
    np.testing.assert_allclose(found.blocks, expected.blocks, atol=1e-14)
    np.testing.assert_array_equal(found.index, expected.index)
    np.testing.assert_allclose(found.product(vectors), product, atol=1e-13)
