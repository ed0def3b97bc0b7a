"""Electronic densities of states beside those of all bands."""

import numpy as np
import pytest
from ase.build import bulk

from hyperspy_twin.properties import bands
from hyperspy_twin.properties.density_of_states import (
    BlockOperator,
    DensitySettings,
    TorchOperator,
    electronic_density,
    model_hamiltonian,
    operator_window,
)
from hyperspy_twin.properties.kernel_polynomials import (
    EnergyWindow,
    RecursionSettings,
    SparseOperator,
    chebyshev_moments,
    kernel_width,
    states_between,
)

ROOM = "hyperspy_twin.properties.density_of_states"


def hamiltonian_of(atoms):
    return model_hamiltonian(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc)


@pytest.fixture(scope="module")
def alloy():
    """Strained alloy with a free surface: its Hamiltonian, groups, and a window."""
    atoms = bulk("Si", "diamond", a=5.5, cubic=True).repeat((2, 2, 3))
    rng = np.random.default_rng(2)
    atoms.numbers[rng.random(len(atoms)) < 0.5] = 32
    atoms.rattle(0.04, seed=1)
    atoms.pbc = (True, True, False)
    hamiltonian = hamiltonian_of(atoms)
    labels = np.array(np.arange(len(atoms)) % 3 - 1, np.int32)
    operator = BlockOperator(hamiltonian, labels, 2)
    window = operator_window(operator)
    return hamiltonian, labels, window


@pytest.fixture(scope="module")
def germanium():
    """Crystal of 512 atoms, whose states are those of 8 atoms at 64 wave vectors."""
    cell = bulk("Ge", "diamond", a=5.6563, cubic=True)
    k = np.stack(np.meshgrid(*[np.arange(4) / 4] * 3), axis=-1).reshape(-1, 3)
    return hamiltonian_of(cell.repeat(4)), np.sort(bands(cell, k).ravel())


def torch_operator(*arguments):
    pytest.importorskip("torch")
    return TorchOperator(*arguments, "cpu")


OPERATORS = pytest.mark.parametrize("make", [BlockOperator, torch_operator])


@OPERATORS
@pytest.mark.parametrize("vectors", [1, 2, 3, 4])
def test_moments_are_those_of_the_sparse_matrix(alloy, make, vectors):
    hamiltonian, labels, window = alloy
    operator = make(hamiltonian, labels, 2)
    matrix = hamiltonian.matrix().astype(complex)
    sparse = SparseOperator(matrix, np.repeat(labels, 20))
    start = sparse.start(range(vectors), 5)
    assert np.array_equal(operator.unpack(operator.start(range(vectors), 5)), start)
    given = start.astype(np.complex64)
    product = operator.product(given)
    np.testing.assert_allclose(product, matrix @ start, atol=3e-5)  # of up to 40 eV
    assert np.array_equal(given, start)
    plan = RecursionSettings(60, vectors, seed=5)
    found = chebyshev_moments(operator, window, plan)
    exact = chebyshev_moments(sparse, window, plan)
    assert np.array_equal(found[..., 0], exact[..., 0])
    assert np.abs(found - exact).max() < 1e-6 * operator.rows


def test_result_is_the_same_for_any_number_of_threads_and_size_of_blocks(monkeypatch):
    """Sums are of 2048 atoms, and 2744 are two of these."""
    atoms = bulk("Si", "diamond", a=5.431, cubic=True).repeat(7)
    atoms.rattle(0.05, seed=3)
    labels = np.array(np.arange(len(atoms)) % 3 - 1, np.int32)
    operator, window = BlockOperator(hamiltonian_of(atoms), labels, 2), EnergyWindow(16, 30)
    found = []
    for threads, block in ((1, 4), (3, 4), (2, 1), (3, 8)):
        monkeypatch.setattr("numba.get_num_threads", lambda threads=threads: threads)
        found.append(chebyshev_moments(operator, window, RecursionSettings(10, 8, block)))
    assert all(np.array_equal(one, found[0]) for one in found)


@OPERATORS
def test_run_that_was_stopped_continues_bit_for_bit(alloy, make, tmp_path, monkeypatch):
    hamiltonian, labels, window = alloy
    operator = make(hamiltonian, labels, 2)
    whole = chebyshev_moments(operator, window, RecursionSettings(40, 3, 2))
    step, left = operator.step, 13

    def stopping(*arguments):
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt
        return step(*arguments)

    operator.step = stopping
    plan = RecursionSettings(40, 3, 2, checkpoint=tmp_path / "a.npz", checkpoint_interval=0)
    with pytest.raises(KeyboardInterrupt):
        chebyshev_moments(operator, window, plan)
    assert np.array_equal(chebyshev_moments(operator, window, plan), whole)


def test_germanium_has_eight_of_forty_states_below_the_gap(germanium):
    """Bands 8 and 9 of 40 for each two atoms are those beside the gap, 0.68 to 1.42 eV."""
    hamiltonian, exact = germanium
    labels = np.zeros(512, np.int32)
    settings = DensitySettings(resolution=0.3, vectors=4)
    found = electronic_density(hamiltonian, labels, 1, (-12, 10), settings)
    count, variance = states_between(found.moments, found.window, found.window.low + 1e-6, 1.05)
    error = np.sqrt(variance[0])
    assert (exact < 1.05).sum() == 4 * 512
    assert abs(count[0] - 4 * 512) < 2 * error < 0.01 * 4 * 512
    assert np.array_equal(found.moments[..., 0], np.full((1, 4), 20 * 512))


def test_density_is_that_of_the_bands_within_the_width_of_the_kernel(germanium):
    hamiltonian, exact = germanium
    settings = DensitySettings(resolution=0.4, vectors=8, seed=1)
    found = electronic_density(hamiltonian, np.zeros(512, np.int32), 1, (-11, 12), settings)
    count, window = found.moments.shape[-1], found.window
    assert window.low < exact[0] and exact[-1] < window.high
    sigma = kernel_width(count, window, found.energies) / np.sqrt(8 * np.log(2))
    assert sigma.max() * np.sqrt(8 * np.log(2)) <= 0.4
    gauss = np.exp(-0.5 * ((found.energies[:, None] - exact) / sigma[:, None]) ** 2)
    smooth = gauss.sum(axis=1) / (np.sqrt(2 * np.pi) * sigma)
    difference = found.values[0] - smooth
    error = np.sqrt(found.variance[0] + (0.01 * smooth.max()) ** 2)
    assert np.abs(difference / error).max() < 4
    assert np.sqrt(np.mean(difference**2)) < 0.03 * smooth.max()


# ---- bad input ----


def test_model_of_one_repeat_is_refused():
    atoms = bulk("Si", "diamond", a=5.431, cubic=True).repeat((3, 3, 1))
    primitive = bulk("Si", "diamond", a=5.431).repeat((1, 4, 4))
    hamiltonian_of(atoms)
    with pytest.raises(ValueError, match="one repeat thick"):
        hamiltonian_of(primitive)


def test_crowded_atoms_and_unknown_elements():
    atoms = bulk("Si", "diamond", a=5.431, cubic=True).repeat(2)
    extra = atoms[:1].copy()
    extra.positions += 5.431 * np.array([0.5, 0.5, 0.5])
    with pytest.raises(ValueError, match="more than four neighbours"):
        hamiltonian_of(atoms + extra)
    atoms.numbers[0] = 50
    with pytest.raises(ValueError, match="no tight-binding parameters for Si, Sn"):
        hamiltonian_of(atoms)


def test_too_little_memory_is_refused_before_it_is_taken(germanium, monkeypatch):
    hamiltonian, _ = germanium
    monkeypatch.setattr(f"{ROOM}.density_of_groups.free_memory", lambda: 1e5)
    with pytest.raises(MemoryError, match=r"1 vectors 0.00\), 0.00 GB are free"):
        electronic_density(hamiltonian, np.zeros(512, np.int32), 1, None, DensitySettings())


def test_fewer_vectors_at_once_where_memory_is_short(germanium, monkeypatch):
    hamiltonian, _ = germanium
    monkeypatch.setattr(f"{ROOM}.density_of_groups.free_memory", lambda: 512 * 320 * 3.0)
    settings = DensitySettings(resolution=5, vectors=5)
    found = electronic_density(hamiltonian, np.zeros(512, np.int32), 1, (0, 1), settings)
    monkeypatch.undo()
    again = electronic_density(hamiltonian, np.zeros(512, np.int32), 1, (0, 1), settings)
    assert np.array_equal(found.moments, again.moments)


def test_energies_and_settings_that_cannot_be(germanium):
    hamiltonian, _ = germanium
    labels = np.zeros(512, np.int32)
    with pytest.raises(ValueError, match="do not lie within the spectrum, which runs from -1"):
        electronic_density(hamiltonian, labels, 1, (-40, 1), DensitySettings())
    with pytest.raises(ValueError, match="at least two random vectors"):
        electronic_density(hamiltonian, labels, 1, None, DensitySettings(vectors=1))
    with pytest.raises(ValueError, match="resolution is a width above zero"):
        electronic_density(hamiltonian, labels, 1, (0, 1), DensitySettings(resolution=0))
    pytest.importorskip("torch")
    with pytest.raises(ValueError, match="'warp' cannot be used"):
        electronic_density(hamiltonian, labels, 1, None, DensitySettings(device="warp"))


# ---- wave vectors along the beam ----


@pytest.fixture(scope="module")
def thin():
    """Strained alloy of 32 atoms with a free surface, periodic along the beam."""
    atoms = bulk("Si", "diamond", a=5.5, cubic=True).repeat((2, 1, 2))
    atoms.numbers[np.random.default_rng(4).random(len(atoms)) < 0.5] = 32
    atoms.rattle(0.05, seed=4)
    atoms.pbc = (True, False, True)
    return atoms


@pytest.mark.parametrize("k", [0.0, 0.5])
def test_states_at_a_wave_vector_along_the_beam_are_bands(thin, k):
    hamiltonian = model_hamiltonian(thin.positions, thin.numbers, thin.cell.array, thin.pbc, k=k)
    exact = bands(thin, [[0, 0, k]])[0]
    found = np.linalg.eigvalsh(hamiltonian.matrix().toarray().astype(complex))
    assert found == pytest.approx(exact, abs=2e-4)
    assert np.abs(bands(thin, [[0, 0, 0.5 - k]])[0] - exact).max() > 0.01
    vectors = np.random.default_rng(1).normal(size=(640, 2)).astype(np.complex64)
    operator = BlockOperator(hamiltonian, np.zeros(32, np.int32), 1)
    assert operator.product(vectors) == pytest.approx(hamiltonian.matrix() @ vectors, abs=1e-4)


def test_both_wave_vectors_are_the_states_of_twice_the_thickness(thin):
    double = thin.repeat((1, 1, 2))
    whole = np.linalg.eigvalsh(hamiltonian_of(double).matrix().toarray().astype(complex))
    parts = [
        np.linalg.eigvalsh(
            model_hamiltonian(thin.positions, thin.numbers, thin.cell.array, thin.pbc, k=k)
            .matrix()
            .toarray()
            .astype(complex)
        )
        for k in (0.0, 0.5)
    ]
    assert whole == pytest.approx(np.sort(np.concatenate(parts)), abs=2e-4)


def test_wave_vectors_that_cannot_be(thin):
    given = thin.positions, thin.numbers, thin.cell.array
    with pytest.raises(ValueError, match="k is 0 or 0.5, in units .*not 0.3"):
        model_hamiltonian(*given, thin.pbc, k=0.3)
    with pytest.raises(ValueError, match="not periodic along the beam"):
        model_hamiltonian(*given, (True, True, False), k=0.5)


# ---- hydrogen ----


def test_hydrogen_has_two_states_of_the_sparse_matrix_and_of_the_moments():
    atoms = silane_like()
    hamiltonian = model_hamiltonian(
        atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc, parameters="Boykin 2004"
    )
    labels = (atoms.numbers == 1).astype(np.int32)
    operator = BlockOperator(hamiltonian, labels, 2)
    silicon, hydrogen = np.bincount(labels)
    assert operator.weight.tolist() == [20 * silicon, 2 * hydrogen]
    assert hamiltonian.present.sum() == 20 * silicon + 2 * hydrogen
    assert not hamiltonian.open_ended.any()
    found = electronic_density(hamiltonian, labels, 2, None, DensitySettings(1.0, vectors=64))
    exact = bands(atoms, [[0, 0, 0]], parameters="Boykin 2004")[0]
    count, variance = states_between(found.moments, found.window, found.window.low + 1e-6, 0.3)
    error = np.sqrt(variance.sum())
    assert count.sum() == pytest.approx((exact < 0.3).sum(), abs=4 * error + 1)
    kept = hamiltonian.present
    matrix = hamiltonian.matrix()
    assert np.abs(matrix[~kept]).sum() == 0
    part = np.linalg.eigvalsh(matrix[kept][:, kept].toarray().astype(complex))
    assert part == pytest.approx(exact, abs=1e-4)


def silane_like():
    """Wire of silicon whose ends all have hydrogen."""
    from hyperspy_twin import AtomicModel

    atoms = bulk("Si", "diamond", a=5.43095, cubic=True).repeat((1, 1, 2))
    atoms.pbc = (False, False, True)
    atoms.cell = np.diag([20.0, 20.0, atoms.cell[2, 2]])
    return AtomicModel.from_ase(atoms).passivate().to_ase()
