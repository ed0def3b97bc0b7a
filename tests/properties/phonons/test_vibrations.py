"""Moments and densities of the recursion against all vibrations of the same model."""

import numpy as np
import pytest
from ase.build import bulk
from ase.data import atomic_masses

from hyperspy_twin.properties.kernel_polynomials import RecursionSettings, chebyshev_moments
from hyperspy_twin.properties.phonons import (
    VibrationOperator,
    find_modes,
    find_vibrations,
    force_constants,
    recursion_kernels,
    vibrations,
)
from hyperspy_twin.properties.phonons.vibrations import count_moments, squared_window

from .conftest import alloy, bonds_of

COUNT = 200


def parts(atoms, precision=np.float64, name="keating"):
    constants = force_constants(atoms.positions, bonds_of(atoms, name), precision=precision)
    return constants, atomic_masses[atoms.numbers]


@pytest.fixture(scope="module")
def atoms():
    """A random alloy of 512 atoms, near to rest."""
    return alloy(4, 0.5, seed=3, rattle=0.01, edge=5.54)


@pytest.fixture(scope="module")
def labels(atoms):
    """Two halves, without some atoms."""
    found = (atoms.positions[:, 0] > 10).astype(np.int32)
    found[:20] = -1
    return found


@pytest.fixture(scope="module")
def exact(atoms, labels):
    """Moments of the halves and of the whole by dense algebra, by the same vectors."""
    constants, masses = parts(atoms)
    operator = VibrationOperator(constants, masses, labels)
    window = squared_window(operator)
    squared, states = np.linalg.eigh(operator.matrix.to_sparse().toarray())
    angle = np.arccos((squared - window.centre) / window.half_width)
    start = operator.start(range(3), 5).reshape(len(squared), -1)
    inner = states.T @ start
    steps = [states @ (np.cos(n * angle)[:, None] * inner) for n in range(COUNT // 2 + 1)]
    row = np.repeat(labels, 3)
    found = np.empty((3, 3, COUNT))
    for group, rows in enumerate((row == 0, row == 1, np.ones(len(row), bool))):
        first = (steps[0][rows] * steps[1][rows]).sum(axis=0)
        for n in range(COUNT // 2):
            own = (steps[n][rows] ** 2).sum(axis=0)
            cross = (steps[n][rows] * steps[n + 1][rows]).sum(axis=0)
            found[group, :, 2 * n] = 2 * own - rows.sum()
            found[group, :, 2 * n + 1] = 2 * cross - first
    # Of the whole they are the moments of each vector: <r|T_n|r>.
    plain = np.einsum("nk,kq->qn", np.cos(np.outer(np.arange(COUNT), angle)), inner**2)
    np.testing.assert_allclose(found[2], plain, atol=1e-9)
    return window, found


def test_every_moment_is_that_of_dense_algebra(atoms, labels, exact):
    window, expected = exact
    settings = RecursionSettings(COUNT, 3, 2, seed=5)
    constants, masses = parts(atoms)
    groups = chebyshev_moments(VibrationOperator(constants, masses, labels), window, settings)
    whole = VibrationOperator(constants, masses, np.zeros(len(atoms), int))
    total = chebyshev_moments(whole, window, settings)
    assert np.abs(groups - expected[:2]).max() < 1e-10 * whole.rows
    assert np.abs(total - expected[2:]).max() < 1e-10 * whole.rows


def test_moments_in_32_bits(atoms, labels, exact):
    window, expected = exact
    constants, masses = parts(atoms, np.float32)
    operator = VibrationOperator(constants, masses, labels, overwrite=True)
    assert operator.matrix.blocks is constants.blocks
    found = chebyshev_moments(operator, window, RecursionSettings(COUNT, 3, 3, seed=5))
    assert np.abs(found - expected[:2]).max() < 1e-5 * operator.rows


def test_densities_of_groups_add_up_to_the_total(atoms):
    constants, masses = parts(atoms)
    groups = np.arange(len(atoms)) % 7
    found = [
        find_vibrations(VibrationOperator(constants, masses, one), 1.0, vectors=4, block=4)
        for one in (groups, 0 * groups)
    ]
    energies = np.arange(0, 80, 0.1)
    (apart, _), (total, variance) = (one.density(energies) for one in found)
    np.testing.assert_allclose(apart.sum(axis=0), total[0], atol=1e-9 * total.max())
    assert (variance >= 0).all()
    # Of mu_0: three vibrations for each atom.
    assert total.sum() * 0.1 == pytest.approx(3 * len(atoms), rel=2e-3)
    assert (total[0, energies > found[1].highest] == 0).all()


def test_lines_are_as_wide_as_said(atoms):
    constants, masses = parts(atoms)
    operator = VibrationOperator(constants, masses, np.zeros(len(atoms), int))
    window = squared_window(operator)
    count = count_moments(1.0, window)
    assert count <= 250
    found = find_vibrations(operator, 1.0, vectors=24, block=24, seed=1)
    assert found.moments.shape[-1] == count
    assert found.width(np.array([37.0]))[0] < 1.0
    energies = np.arange(3, 65, 0.25)
    values, variance = found.density(energies)
    modes = find_modes(constants.to_sparse().toarray(), masses)
    lines = modes.energies[~modes.is_rigid]
    sigma = found.width(lines) / 2.3548
    expected = np.exp(-0.5 * ((energies - lines[:, None]) / sigma[:, None]) ** 2)
    expected = (expected / (sigma[:, None] * np.sqrt(2 * np.pi))).sum(axis=0)
    miss = np.sqrt(np.mean((values[0] - expected) ** 2))
    assert miss < 1.3 * np.sqrt(variance.mean()) + 0.01 * expected.max()


@pytest.mark.slow
def test_error_bars_hold(atoms, labels):
    constants, masses = parts(atoms)
    operator = VibrationOperator(constants, masses, labels)
    modes = [find_vibrations(operator, 2.0, vectors=8, block=8, seed=seed) for seed in range(20)]
    energies = np.arange(5, 62, 0.5)
    found = [one.density(energies) for one in modes]
    mean = np.mean([values for values, _ in found], axis=0)
    chi = [(values - mean) ** 2 / variance for values, variance in found]
    # The mean is that of the same 20 seeds.
    assert 0.85 < np.sqrt(np.mean(chi) * 20 / 19) < 1.15


def test_results_do_not_depend_on_threads_or_blocks(atoms, labels, monkeypatch):
    constants, masses = parts(atoms, np.float32)
    monkeypatch.setattr(vibrations, "PIECE", 100)
    operator = VibrationOperator(constants, masses, labels)
    window = squared_window(operator)
    one = chebyshev_moments(operator, window, RecursionSettings(20, 3, 3))
    monkeypatch.setattr("numba.get_num_threads", lambda: 2)
    np.testing.assert_array_equal(
        chebyshev_moments(operator, window, RecursionSettings(20, 3, 2)), one
    )


def test_positions_that_are_no_minimum_are_refused():
    atoms = bulk("Ge", "diamond", a=4.4, cubic=True).repeat(2)
    atoms.rattle(0.05, seed=0)
    constants, masses = parts(atoms)
    assert np.linalg.eigvalsh(constants.to_sparse().toarray())[0] < -0.1
    operator = VibrationOperator(constants, masses, np.zeros(len(atoms), int))
    with pytest.raises(ValueError, match="relax the model first"):
        find_vibrations(operator, 1.0, vectors=2, block=2)


def test_wrong_input_is_named(atoms, labels):
    constants, masses = parts(atoms)
    with pytest.raises(ValueError, match="512 atoms needs a mass"):
        VibrationOperator(constants, masses[:5], labels)
    with pytest.raises(ValueError, match="512 atoms needs a label"):
        VibrationOperator(constants, masses, labels[:5])
    operator = VibrationOperator(constants, masses, labels)
    with pytest.raises(ValueError, match="width in meV above zero"):
        find_vibrations(operator, -1.0, vectors=2, block=2)


def test_sums_of_a_smooth_function(atoms, labels, exact):
    constants, masses = parts(atoms)
    operator = VibrationOperator(constants, masses, labels)
    found = find_vibrations(operator, 1.0, vectors=16, block=16)
    values, variance = found.trace(lambda squared: np.exp(-squared / 500))
    squared, states = np.linalg.eigh(operator.matrix.to_sparse().toarray())
    each = (states**2 @ np.exp(-squared / 500)).reshape(-1, 3).sum(axis=1)
    expected = [each[labels == group].sum() for group in (0, 1)]
    assert (np.abs(values - expected) < 4 * np.sqrt(variance)).all()
    assert (np.sqrt(variance) < 0.03 * values).all()


def test_kernels_as_python(monkeypatch):
    atoms = alloy(1)
    constants, masses = parts(atoms)
    groups = np.array([0, 1, -1, 0, 1, 1, 0, 0])
    window = squared_window(VibrationOperator(constants, masses, groups))
    settings = RecursionSettings(6, 2, 2)
    expected = chebyshev_moments(VibrationOperator(constants, masses, groups), window, settings)
    for name in ("weigh_rows", "step_rows"):
        monkeypatch.setattr(vibrations, name, getattr(recursion_kernels, name).py_func)
    found = chebyshev_moments(VibrationOperator(constants, masses, groups), window, settings)
    np.testing.assert_allclose(found, expected, atol=1e-11)
