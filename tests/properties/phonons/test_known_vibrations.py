"""Vibrations of crystals and alloys against published values and exact sums."""

import numpy as np
import pytest
from ase.build import bulk
from ase.data import atomic_masses
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.optimize import minimize

from hyperspy_twin.properties import (
    KeatingCalculator,
    PhononSettings,
    cell_of,
    continued_fractions,
    energy_loss,
    force_constants,
    fraction_density,
    heat_capacity,
    mass_weighted,
    phonon_density,
    thermal_displacements,
)
from hyperspy_twin.properties.phonons import (
    VibrationOperator,
    differentiate_forces,
    find_modes,
    find_vibrations,
)
from hyperspy_twin.properties.phonons.normal_modes import MOST_ATOMS, gaussian_lines
from hyperspy_twin.properties.phonons.occupation import (
    displacement_factor,
    heat_factor,
    quantum_displacement_factor,
)
from hyperspy_twin.properties.phonons.thermal import mean_square_displacements
from hyperspy_twin.properties.phonons.units import BOLTZMANN

from .conftest import EDGE, alloy, bonds_of


def relaxed(atoms):
    """Atoms at rest in plain Keating."""
    bonded = bonds_of(atoms, "keating")

    def energy(positions):
        found, force = bonded.forces(positions.reshape(-1, 3))
        return found.sum(), -force.ravel()

    options = {"ftol": 1e-15, "gtol": 1e-6, "maxiter": 500, "maxcor": 20}
    best = minimize(energy, atoms.positions.ravel(), jac=True, method="L-BFGS-B", options=options)
    atoms.positions = best.x.reshape(-1, 3)
    return atoms


@pytest.fixture(scope="module")
def small():
    """A relaxed alloy of 64 atoms, all its vibrations, and its operator by element."""
    atoms = relaxed(alloy(2, 0.5, seed=2, rattle=0.0, edge=5.54))
    constants = force_constants(atoms.positions, bonds_of(atoms, "keating"))
    masses = atomic_masses[atoms.numbers]
    modes = find_modes(constants.to_sparse().toarray(), masses)
    labels = (atoms.numbers == 32).astype(np.int32)
    return atoms, modes, VibrationOperator(constants, masses, labels), labels


# Energies at the zone centre and at X in meV, of the force constants of the tables alone.
@pytest.mark.parametrize(
    "element, name, centre, edge",
    [
        ("Si", "keating", 68.05, (32.04, 53.18, 60.04)),
        ("Ge", "keating", 37.91, (18.06, 29.70, 33.34)),
        ("Si", "modified", 64.50, (18.87, 51.43, 57.31)),
        ("Ge", "modified", 37.59, (10.28, 30.03, 33.64)),
    ],
)
def test_crystals_have_their_published_vibrations(element, name, centre, edge):
    cell = cell_of(bulk(element, "diamond", a=EDGE[element]), name)
    x = 2 * np.pi / EDGE[element] * np.array([[0, 0, 0], [1, 0, 0], [0, 0, 1]])
    found = cell.energies(x)
    np.testing.assert_allclose(found[0], [0, 0, 0, centre, centre, centre], atol=0.02)
    for one in found[1:]:
        np.testing.assert_allclose(one, np.repeat(edge, 2), atol=0.02)


def test_strain_shifts_keating_lines_the_wrong_way():
    # Grüneisen parameter of -.6, against 1.1 measured: why strain is not read from peaks.
    stretch = np.array([0.99, 1.0, 1.01])
    found = [
        cell_of(bulk("Ge", "diamond", a=EDGE["Ge"] * one), "keating").energies(np.zeros((1, 3)))
        for one in stretch
    ]
    highest = np.array(found)[:, 0, -1]
    np.testing.assert_allclose(highest, [37.22, 37.91, 38.60], atol=0.01)


def test_sound_has_the_speed_of_the_elastic_constants():
    cell = cell_of(bulk("Si", "diamond", a=EDGE["Si"]), "keating")
    # C11, C12, C44 of this force field in GPa, and the density of the crystal.
    c11, c12, c44 = 165.6e9, 63.9e9, 79.2e9
    density = 8 * 28.085 * 1.66053907e-27 / (EDGE["Si"] * 1e-10) ** 3
    along = np.sqrt(np.array([c44, c44, c11]) / density)
    np.testing.assert_allclose(cell.sound_speeds([0, 2, 0]), along, rtol=1e-3)
    diagonal = np.sqrt(np.array([(c11 - c12) / 2, c44, (c11 + c12) / 2 + c44]) / density)
    np.testing.assert_allclose(cell.sound_speeds([1, 1, 0]), diagonal, rtol=1e-3)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    q=st.tuples(*[st.floats(-2, 2)] * 3),
    name=st.sampled_from(["keating", "modified"]),
)
def test_bands_do_not_depend_on_the_cell(q, name):
    primitive = bulk("Si", "diamond", a=EDGE["Si"])
    cube = bulk("Si", "diamond", a=EDGE["Si"], cubic=True)
    # The cube folds the wave vectors of its reciprocal lattice that the primitive cell has not.
    folded = np.array(q) + 2 * np.pi / EDGE["Si"] * np.array(
        [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    )
    expected = np.sort(cell_of(primitive, name).energies(folded).ravel())
    found = cell_of(cube, name).energies(np.array([q]))[0]
    np.testing.assert_allclose(found**2, expected**2, atol=1e-6)


def test_mesh_of_a_cell_is_the_recursion_of_a_large_crystal():
    energies = np.arange(1, 72, 0.5)
    cell = cell_of(bulk("Si", "diamond", a=EDGE["Si"]), "keating")
    mesh = cell.density(np.array([0, 1]), energies, 2.0, mesh=(14, 14, 14))
    np.testing.assert_allclose(mesh[0], mesh[1], atol=1e-6 * mesh.max())
    assert mesh.sum() * 0.5 == pytest.approx(6, rel=1e-2)
    atoms = bulk("Si", "diamond", a=EDGE["Si"], cubic=True).repeat(7)
    wanted = PhononSettings(resolution=2.0, vectors=4)
    found = phonon_density(atoms, np.zeros(len(atoms), int), 1, settings=wanted, energies=energies)
    # Lines of the recursion are wider below half of the highest energy, and narrower above.
    counts = np.cumsum([found.values[0] / len(atoms), mesh.sum(axis=0) / 2], axis=1) * 0.5
    assert np.abs(counts[0] - counts[1]).max() < 0.05


def test_isolated_silicon_in_germanium():
    atoms = bulk("Ge", "diamond", a=EDGE["Ge"], cubic=True).repeat(3)
    atoms.numbers[5] = 14
    atoms = relaxed(atoms)
    matrix = mass_weighted(
        force_constants(atoms.positions, bonds_of(atoms, "keating")), atomic_masses[atoms.numbers]
    )
    squared, states = np.linalg.eigh(matrix.to_sparse().toarray())
    np.testing.assert_allclose(np.sqrt(squared[-3:]), 51.4, atol=0.1)
    on_silicon = (states[15:18, -3:] ** 2).sum(axis=0)
    np.testing.assert_allclose(on_silicon, 0.82, atol=0.01)
    # The continued fraction of this atom has the same line, of the same weight.
    energies = np.arange(45, 58, 0.01)
    found = fraction_density(*continued_fractions(matrix, [5]), energies, 0.1).sum(axis=0)
    assert energies[np.argmax(found)] == pytest.approx(np.sqrt(squared[-1]), abs=0.02)
    assert found.sum() * 0.01 / 3 == pytest.approx(on_silicon.mean(), abs=0.02)


def bond_stretches(atoms, states):
    """How much each vibration stretches Si-Si, Si-Ge and Ge-Ge bonds, shape (3, vibrations)."""
    bonds = bonds_of(atoms, "keating").bonds
    units = bonds.vectors(atoms.positions)
    units /= np.linalg.norm(units, axis=2)[..., None]
    moved, found = states.reshape(len(atoms), 3, -1), np.zeros((3, states.shape[1]))
    for slot in range(4):
        other = bonds.index[:, slot]
        stretch = np.einsum("nd,ndk->nk", units[:, slot], moved[other] - moved) ** 2
        pair = (atoms.numbers == 32) * 1 + (atoms.numbers[other] == 32)
        found += [stretch[pair == one].sum(axis=0) for one in range(3)]
    return found


def test_bands_of_an_alloy_by_bonds():
    # Si0.3Ge0.7 at its lattice parameter. Between cells of 512 atoms peaks scatter by .05 (Ge-Ge)
    # and .07 meV (Si-Ge), the mean of the Si-Si band by .13 and the highest energy by .25.
    energies, width = np.arange(30, 57, 0.05), 2.0
    found, means, highest = np.zeros((3, len(energies))), [], []
    for seed in range(3):
        atoms = bulk("Si", "diamond", a=5.5842, cubic=True).repeat(4)
        order = np.random.default_rng(seed).permutation(len(atoms))
        atoms.numbers[order[: round(0.7 * len(atoms))]] = 32
        atoms = relaxed(atoms)
        constants = force_constants(atoms.positions, bonds_of(atoms, "keating"))
        matrix = mass_weighted(constants, atomic_masses[atoms.numbers]).to_sparse().toarray()
        squared, states = np.linalg.eigh(matrix)
        lines = np.sqrt(np.maximum(squared, 0))
        # Bins of 1 meV are fullest at 35.5, and at 50.5 or 51.5 in 10 and 2 of 12 cells.
        middle, counts = np.arange(30.5, 56), np.histogram(lines, np.arange(30, 57))[0]
        assert middle[np.argmax(counts)] == 35.5
        assert middle[18 + np.argmax(counts[18:])] in (50.5, 51.5)
        stretches = bond_stretches(atoms, states)
        found += stretches @ gaussian_lines(lines, energies, width)
        band = lines > 57
        means.append(np.average(lines[band], weights=stretches[0, band]))
        highest.append(lines[-1])
    peaks = energies[np.argmax(found, axis=1)]
    assert peaks[2] == pytest.approx(35.1, abs=0.15)
    assert peaks[1] == pytest.approx(51.0, abs=0.2)
    assert np.mean(means) == pytest.approx(61.97, abs=0.25)
    assert np.mean(highest) == pytest.approx(65.67, abs=0.5)


def test_continued_fraction_has_the_moments_of_the_atom(small):
    _, _, operator, _ = small
    squared, states = np.linalg.eigh(operator.matrix.to_sparse().toarray())
    steps = 25
    diagonal, beside = continued_fractions(operator.matrix, [0, 9], steps=steps)
    for column, row in enumerate([0, 1, 2, 27, 28, 29]):
        chain = np.diag(diagonal[:, column])
        chain += np.diag(beside[:-1, column], 1) + np.diag(beside[:-1, column], -1)
        values, vectors = np.linalg.eigh(chain / squared[-1])
        for power in range(2 * steps):
            expected = (states[row] ** 2 * (squared / squared[-1]) ** power).sum()
            assert (vectors[0] ** 2 * values**power).sum() == pytest.approx(expected, abs=1e-12)


def test_continued_fraction_of_a_chain_is_its_local_density():
    # Coefficients that all are the same: the end of a half-infinite chain, a half ellipse.
    middle, half = 900.0, 400.0
    diagonal, beside = np.full((4, 1), middle), np.full((4, 1), half)
    energies = np.arange(11, 41, 0.05)
    found = fraction_density(diagonal, beside, energies, 1e-6)[0]
    ellipse = np.sqrt(np.clip(4 * half**2 - (energies**2 - middle) ** 2, 0, None))
    expected = ellipse / (2 * np.pi * half**2) * 2 * energies
    np.testing.assert_allclose(found, expected, atol=1e-4 * expected.max())


def test_force_constants_of_any_calculator():
    atoms = alloy(1, 0.5, rattle=0.0)
    exact = force_constants(atoms.positions, bonds_of(atoms, "keating")).to_sparse().toarray()
    coarse, fine = (
        differentiate_forces(atoms, KeatingCalculator(), step=step) for step in (0.02, 0.01)
    )
    # The error goes as the square of the step.
    assert np.abs((4 * fine - coarse) / 3 - exact).max() < 1e-9
    assert np.abs(fine - exact).max() < 1e-3
    found = phonon_density(
        atoms,
        np.zeros(len(atoms), int),
        1,
        settings=PhononSettings(),
        calculator=KeatingCalculator(),
    )
    # Of the shifts of the whole, at zero energy, half of the line lies above.
    count = trapezoid(found.values[0], found.energies)
    assert found.moments == 0 and count == pytest.approx(24 - 1.5, abs=0.02)


def test_too_many_atoms_for_a_calculator():
    atoms = bulk("Si", "diamond", a=EDGE["Si"], cubic=True).repeat(6)
    assert len(atoms) > MOST_ATOMS
    with pytest.raises(ValueError, match="10368 calculations of forces"):
        differentiate_forces(atoms, KeatingCalculator())


def test_bands_need_small_cells():
    atoms = bulk("Si", "diamond", a=EDGE["Si"], cubic=True)
    with pytest.raises(ValueError, match="200 atoms at most, not 216"):
        cell_of(atoms.repeat(3), "keating")
    atoms.pbc = (True, True, False)
    with pytest.raises(ValueError, match="repeats along all three"):
        cell_of(atoms, "keating")
    atoms.pbc = True
    with pytest.raises(ValueError, match="direction"):
        cell_of(atoms, "keating").sound_speeds([0, 0, 0])


# ---- at a temperature ----


@settings(max_examples=30, deadline=None, derandomize=True)
@given(energy=st.floats(0.01, 80), temperature=st.floats(10, 1500))
def test_factors_of_occupation(energy, temperature):
    thermal = BOLTZMANN * temperature
    bose = 1 / np.expm1(energy / thermal)
    expected = (bose + 0.5) / energy
    found = displacement_factor(np.array(energy**2), temperature)
    assert found == pytest.approx(expected, rel=1e-10)
    quantum = quantum_displacement_factor(np.array(energy**2), temperature)
    assert quantum + thermal / energy**2 == pytest.approx(expected, rel=1e-9)
    x = energy / thermal
    heat = x**2 * np.exp(-x) / np.expm1(-x) ** 2
    assert heat_factor(np.array(energy**2), temperature) == pytest.approx(heat, rel=1e-9)
    loss = energy_loss(np.ones(1), np.array([energy]), temperature)
    assert loss[0] == pytest.approx((bose + 1) / energy, rel=1e-12)


def test_energy_loss_of_the_ground_state():
    assert energy_loss(np.ones(1), np.array([20.0]), 0.0)[0] == pytest.approx(1 / 20)
    with pytest.raises(ValueError, match="zero or above"):
        energy_loss(np.ones(1), np.array([20.0]), -1.0)


def test_hot_atoms_move_as_the_inverse_force_constants_say(small):
    atoms, *_ = small
    matrix = force_constants(atoms.positions, bonds_of(atoms, "keating")).to_sparse().toarray()
    # Of one mass, so that both leave out the same motion of the whole.
    modes = find_modes(matrix, np.full(len(atoms), 40.0))
    temperature = 1e5
    expected = np.diag(np.linalg.pinv(matrix, rcond=1e-9)).reshape(-1, 3).mean(axis=1)
    found = modes.mean_square_displacements(temperature)
    np.testing.assert_allclose(found, 8.617333e-5 * temperature * expected, rtol=1e-4)


@pytest.mark.parametrize("temperature", [20.0, 300.0])
def test_random_vectors_give_the_exact_sums(small, temperature):
    atoms, modes, operator, labels = small
    each = modes.mean_square_displacements(temperature)
    expected = np.array([each[labels == group].mean() for group in (0, 1)])
    heat = modes.heat_capacities(temperature)
    capacity = np.array([heat[labels == group].sum() for group in (0, 1)])
    chi = []
    for seed in range(8):
        found = find_vibrations(operator, 2.0, vectors=16, block=16, seed=seed)
        values, variance = mean_square_displacements(
            operator,
            found,
            atoms.positions,
            pbc=atoms.pbc,
            masses=atomic_masses[[14, 32]],
            temperature=temperature,
            seed=seed,
        )
        chi.append((values - expected) / np.sqrt(variance))
        chi.append(
            (found.trace(lambda s: heat_factor(s, temperature))[0] - capacity)
            / np.sqrt(found.trace(lambda s: heat_factor(s, temperature))[1])
        )
        np.testing.assert_allclose(values, expected, rtol=0.1)
    assert 0.5 < np.sqrt(np.mean(np.square(chi))) < 1.6


def test_free_clusters_do_not_turn(small):
    atoms = relaxed(alloy(2, 0.5, seed=2, rattle=0.0, pbc=(False, False, True), edge=5.54))
    constants = force_constants(atoms.positions, bonds_of(atoms, "keating"))
    labels = np.zeros(len(atoms), int)
    operator = VibrationOperator(constants, np.full(len(atoms), 50.0), labels)
    modes = find_modes(constants.to_sparse().toarray(), np.full(len(atoms), 50.0))
    assert modes.is_rigid.sum() == 4
    found = find_vibrations(operator, 2.0, vectors=64, block=32)
    values, variance = mean_square_displacements(
        operator,
        found,
        atoms.positions,
        pbc=atoms.pbc,
        masses=np.array([50.0]),
        temperature=300.0,
    )
    expected = modes.mean_square_displacements(300.0).mean()
    assert abs(values[0] - expected) < 4 * np.sqrt(variance[0])


def test_displacements_of_silicon():
    wanted, found = PhononSettings(field="modified", vectors=8), []
    for times in (4, 8):
        atoms = bulk("Si", "diamond", a=EDGE["Si"], cubic=True).repeat(times)
        labels = np.zeros(len(atoms), int)
        table = thermal_displacements(atoms, labels, temperature=293.0, settings=wanted)
        found.append(8 * np.pi**2 * table.values[0])
    # What a cell lacks of the longest waves goes as the inverse of its side.
    assert found[0] < found[1]
    # B = .46 Å² measured: B. W. Batterman, D. R. Chipman, Phys. Rev. 127 (1962) 690.
    assert 2 * found[1] - found[0] == pytest.approx(0.46, abs=0.025)


def test_heat_capacity_of_silicon():
    atoms = bulk("Si", "diamond", a=EDGE["Si"], cubic=True).repeat(4)
    wanted = PhononSettings(field="modified", vectors=8)
    heat, variance = heat_capacity(atoms, [298.15], settings=wanted)
    # In Boltzmann's constants: 19.79 J/(mol K) at constant pressure (CRC Handbook of Chemistry and
    # Physics), less .02 that expansion takes, 9 a² B V T. The force field has 1 % less, since its
    # energies are a little high.
    assert heat[0] == pytest.approx(2.378, rel=0.02)
    assert np.sqrt(variance[0]) < 0.005


def test_temperatures_are_checked(small):
    atoms, *_ = small
    labels = np.zeros(len(atoms), int)
    with pytest.raises(ValueError, match="at least 0 K"):
        thermal_displacements(atoms, labels, temperature=-5.0, settings=PhononSettings())
    with pytest.raises(ValueError, match="at least 10 K"):
        heat_capacity(atoms, [1.0], settings=PhononSettings())
    still = thermal_displacements(atoms, labels, temperature=0.0, settings=PhononSettings())
    cold = thermal_displacements(atoms, labels, temperature=1.0, settings=PhononSettings())
    np.testing.assert_allclose(still.values, cold.values, rtol=1e-3)
    assert (still.number == [14, 32]).all() and still.atoms.sum() == len(atoms)
    with pytest.raises(ValueError, match="at least two random vectors"):
        PhononSettings(vectors=1)
