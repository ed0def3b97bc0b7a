"""Keating's energy, forces and stress against formulas, stencils and symmetry."""

from itertools import combinations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.data import atomic_numbers
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from hyperspy_twin.properties import bond_atoms
from hyperspy_twin.properties.keating import bonded_atoms, choose_field, kernels

EV_PER_NEWTON_PER_METRE = 0.0624150907
# Steps and weights of the five-point stencil, exact for polynomials of the fourth degree.
STENCIL = {-2: 1 / 12, -1: -8 / 12, 1: 8 / 12, 2: -1 / 12}


def alloy(times=2, seed=0, elements=("Si", "Ge"), edge=5.55):
    """Random alloy whose atoms are off their sites, periodic."""
    atoms = bulk("Si", "diamond", a=edge, cubic=True).repeat(times)
    atoms.symbols = np.random.default_rng(seed).choice(elements, len(atoms))
    atoms.rattle(0.08, seed=seed)
    return atoms


def zincblende(seed=0):
    """InGaAsSb with mixed sublattices, off their sites."""
    atoms = bulk("GaAs", "zincblende", a=5.95, cubic=True).repeat(2)
    rng, cation = np.random.default_rng(seed), atoms.symbols == "Ga"
    atoms.symbols[cation] = rng.choice(["Ga", "In"], cation.sum())
    atoms.symbols[~cation] = rng.choice(["As", "Sb"], (~cation).sum())
    atoms.rattle(0.08, seed=seed)
    return atoms


def silane(edge=1.48):
    ends = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    return Atoms("SiH4", np.concatenate([np.zeros((1, 3)), edge * ends]))


def cluster():
    """Piece with free surfaces and hydrogen ends."""
    atoms = alloy()
    atoms.pbc = False
    middle = atoms.positions[np.argmin(np.linalg.norm(atoms.positions - 5.5, axis=1))]
    atoms = atoms[np.linalg.norm(atoms.positions - middle, axis=1) < 6.3]
    bonds = bond_of(atoms).bonds
    lonely = np.flatnonzero(bonds.count == 1)
    return atoms[np.setdiff1d(np.arange(len(atoms)), lonely)] + hydrogen(atoms, lonely)


def hydrogen(atoms, index):
    """Hydrogen in the place of atoms, nearer to their only neighbour."""
    bonds = bond_of(atoms).bonds
    vector = bonds.vectors(atoms.positions)[index, 0]
    own = atoms.positions[index] + vector * (1 - 1.5 / np.linalg.norm(vector, axis=1)[:, None])
    return Atoms("H" * len(index), own)


MODELS = {"alloy": alloy, "zincblende": zincblende, "cluster": cluster, "primitive": None}


def model(name):
    if name == "primitive":  # bonds to several images of one atom
        atoms = bulk("Ge", "diamond", a=5.7)
        atoms.rattle(0.05, seed=4)
        return atoms
    return MODELS[name]()


def bond_of(atoms, name="keating"):
    return bond_atoms(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc, name)


def energy_of(bonded, positions):
    return bonded.forces(positions)[0].sum()


def reference_energy(atoms, constants):
    """Energy by the formula of Keating, from all distances, with alpha and beta in N/m."""
    positions = atoms.positions
    total = 0.0
    images = [np.array(one) for one in np.ndindex(3, 3, 3)]
    shifts = [(one - 1) * atoms.pbc @ atoms.cell.array for one in images]
    shifts = np.unique(np.round(shifts, 9), axis=0)
    for i in range(len(atoms)):
        near = []
        for j in range(len(atoms)):
            pair = constants.get(frozenset((atoms.symbols[i], atoms.symbols[j])))
            if pair is None:
                continue
            for shift in shifts:
                r = positions[j] + shift - positions[i]
                if 0.1 < np.linalg.norm(r) < 1.2 * pair[0]:
                    near.append((r, *pair))
        for r, d, alpha, _ in near:
            total += 0.5 * 3 * alpha / (8 * d**2) * (r @ r - d**2) ** 2
        for (r, d, _, one), (s, e, _, other) in combinations(near, 2):
            total += 3 * np.sqrt(one * other) / (8 * d * e) * (r @ s + d * e / 3) ** 2
    return total * EV_PER_NEWTON_PER_METRE


SIGE = {
    frozenset(["Si"]): (5.431 * np.sqrt(3) / 4, 48.50, 13.81),
    frozenset(["Ge"]): (5.658 * np.sqrt(3) / 4, 38.67, 11.35),
    frozenset(["Si", "Ge"]): ((5.431 + 5.658) * np.sqrt(3) / 8, 43.585, 12.58),
}
INGAASSB = {
    frozenset(["Ga", "As"]): (5.65325 * np.sqrt(3) / 4, 41.19, 8.95),
    frozenset(["Ga", "Sb"]): (6.0959 * np.sqrt(3) / 4, 33.16, 7.22),
    frozenset(["In", "As"]): (6.0583 * np.sqrt(3) / 4, 35.18, 5.50),
    frozenset(["In", "Sb"]): (6.4794 * np.sqrt(3) / 4, 29.61, 4.77),
}


@pytest.mark.parametrize(
    ("atoms", "constants"), [(alloy(), SIGE), (zincblende(), INGAASSB)], ids=["SiGe", "InGaAsSb"]
)
def test_energy_is_that_of_the_formula(atoms, constants):
    found = energy_of(bond_of(atoms), atoms.positions)
    assert found == pytest.approx(reference_energy(atoms, constants), rel=1e-8)


def test_perfect_crystal_has_no_energy_and_no_force():
    atoms = bulk("Si", "diamond", a=5.431, cubic=True).repeat(2)
    energy, force = bond_of(atoms).forces(atoms.positions)
    assert np.abs(energy).max() < 1e-25
    assert np.abs(force).max() < 1e-12


# The modified field has constants of Si and Ge alone.
@pytest.mark.parametrize(
    ("name", "field"),
    [
        (name, field)
        for name in MODELS
        for field in ("keating", "modified")
        if (name, field) != ("zincblende", "modified")
    ],
)
def test_forces_are_the_gradient_of_the_energy(name, field):
    atoms = model(name)
    bonded = bond_of(atoms, field)
    force = bonded.forces(atoms.positions)[1]
    rng = np.random.default_rng(1)
    for _ in range(3):
        direction = rng.normal(size=force.shape)
        # The energy is a polynomial of the fourth degree along a line.
        slope = sum(
            weight * energy_of(bonded, atoms.positions + 0.02 * step * direction)
            for step, weight in STENCIL.items()
        )
        assert slope / 0.02 == pytest.approx(-np.sum(force * direction), abs=1e-10, rel=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_force_of_each_atom(name):
    atoms = model(name)
    bonded = bond_of(atoms)
    force = bonded.forces(atoms.positions)[1]
    for i, axis in np.random.default_rng(2).integers(0, (len(atoms), 3), (6, 2)):
        moved = np.zeros_like(force)
        moved[i, axis] = 0.02
        slope = sum(
            weight * energy_of(bonded, atoms.positions + step * moved)
            for step, weight in STENCIL.items()
        )
        assert slope / 0.02 == pytest.approx(-force[i, axis], abs=1e-10)


@pytest.mark.parametrize("field", ["keating", "modified"])
def test_virial_is_the_derivative_by_strain(field):
    atoms = alloy()
    bonded = bond_of(atoms, field)
    virial = bonded.virials(atoms.positions).sum(axis=0)
    rng = np.random.default_rng(3)
    strain = rng.normal(size=(3, 3))
    strain += strain.T

    def strained(size):
        change = np.eye(3) + size * strain
        copy = atoms.copy()
        copy.set_cell(atoms.cell.array @ change, scale_atoms=True)
        return energy_of(bond_of(copy, field), copy.positions)

    # Of the eighth degree in the strain: the stencil errs by its fifth derivative.
    slope = sum(weight * strained(1e-3 * step) for step, weight in STENCIL.items()) / 1e-3
    assert np.sum(virial * strain) == pytest.approx(slope, rel=1e-8)
    np.testing.assert_allclose(virial, virial.T)


@pytest.mark.parametrize("field", ["keating", "modified"])
@settings(max_examples=5, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000), angle=st.floats(0.1, 3.0))
def test_sum_of_forces_and_rigid_motion(field, seed, angle):
    atoms = alloy(seed=seed)
    bonded = bond_of(atoms, field)
    energy, force = bonded.forces(atoms.positions)
    assert np.abs(force.sum(axis=0)).max() < 1e-12 * np.abs(force).sum()
    shifted = bonded.forces(atoms.positions + np.array([3.0, -2.0, 11.0]))
    np.testing.assert_allclose(shifted[0], energy, atol=1e-12)
    np.testing.assert_allclose(shifted[1], force, atol=1e-11)
    turn = Rotation.from_rotvec(angle * np.array([1.0, 2.0, -1.0]) / np.sqrt(6)).as_matrix()
    turned = atoms.copy()
    turned.set_cell(atoms.cell.array @ turn.T)
    turned.set_positions(atoms.positions @ turn.T)
    found = bond_of(turned, field).forces(turned.positions)
    np.testing.assert_allclose(found[0], energy, atol=1e-12)
    np.testing.assert_allclose(found[1], force @ turn.T, atol=1e-11)


def test_free_piece_has_no_torque():
    atoms = cluster()
    assert "H" in atoms.symbols
    force = bond_of(atoms).forces(atoms.positions)[1]
    torque = np.cross(atoms.positions, force).sum(axis=0)
    assert np.abs(force).max() > 0.1
    assert np.abs(torque).max() < 1e-11


@pytest.mark.parametrize(("symmetric", "bending", "metal"), [(2187, 975, "Si"), (2106, 931, "Ge")])
def test_hydrogen_has_the_vibrations_of_the_hydride(symmetric, bending, metal):
    from scipy import constants

    atoms = silane({"Si": 1.48, "Ge": 1.525}[metal])
    atoms.symbols[0] = metal
    bonded = bond_of(atoms)
    size = 1e-3
    hessian = np.empty((15, 15))
    for k in range(15):
        step = np.zeros(15)
        step[k] = size
        there, back = (
            bonded.forces(atoms.positions + sign * step.reshape(5, 3))[1] for sign in (1, -1)
        )
        hessian[k] = (back - there).ravel() / (2 * size)
    mass = np.repeat(atoms.get_masses(), 3)
    squared = np.linalg.eigvalsh((hessian + hessian.T) / 2 / np.sqrt(mass[:, None] * mass))
    unit = constants.elementary_charge / constants.angstrom**2 / constants.atomic_mass
    wave_number = np.sqrt(np.maximum(squared, 0) * unit) / (2 * np.pi * constants.c * 100)
    # Two of species e; one symmetric stretch between those of species t2.
    assert np.sum(np.abs(wave_number - bending) < 0.005 * bending) == 2
    assert np.min(np.abs(wave_number - symmetric)) < 0.005 * symmetric
    assert np.sum(wave_number < 5) == 6  # rigid motion, by differences


def test_kernels_as_python(monkeypatch):
    atoms = cluster()
    expected = {
        name: (bond_of(atoms, name).forces(atoms.positions), bond_of(atoms, name).partner)
        for name in ("keating", "modified")
    }
    virial = bond_of(atoms).virials(atoms.positions)
    for name in vars(kernels):
        function = getattr(kernels, name)
        if hasattr(function, "py_func") and hasattr(bonded_atoms, name):
            monkeypatch.setattr(bonded_atoms, name, function.py_func)
    monkeypatch.setattr(kernels, "_read_bond", kernels._read_bond.py_func)
    for name, ((energy, force), partner) in expected.items():
        bonded = bond_of(atoms, name)
        found = bonded.forces(atoms.positions)
        np.testing.assert_array_equal(bonded.partner, partner)
        np.testing.assert_allclose(found[0], energy, atol=1e-13)
        np.testing.assert_allclose(found[1], force, atol=1e-13)
    np.testing.assert_allclose(bond_of(atoms).virials(atoms.positions), virial, atol=1e-13)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_same_for_any_number_of_threads(threads, monkeypatch):
    atoms = alloy(3)
    expected = bond_of(atoms).forces(atoms.positions)
    monkeypatch.setattr("numba.get_num_threads", lambda: threads)
    for found, one in zip(bond_of(atoms).forces(atoms.positions), expected, strict=True):
        np.testing.assert_array_equal(found, one)


def test_constants_of_mixed_bonds():
    field = choose_field(np.array([14, 32, 50, 32]))
    assert field.numbers.tolist() == [14, 32, 50]
    for table in (field.length, field.stretch, field.bend):
        np.testing.assert_array_equal(table, table.T)
        mean = (np.diag(table)[:, None] + np.diag(table)) / 2
        np.testing.assert_allclose(table, mean, rtol=1e-12)
    assert field.stretch[0, 1] == pytest.approx(43.585 * EV_PER_NEWTON_PER_METRE)
    assert field.bend[0, 1] == pytest.approx(12.58 * EV_PER_NEWTON_PER_METRE)
    assert field.length[0, 1] == pytest.approx(2.4009, abs=1e-4)


def test_like_ions_have_no_bond():
    field = choose_field(np.array([atomic_numbers[one] for one in ("Ga", "As", "In", "Sb")]))
    bonded = np.isfinite(field.length)
    names = [31, 33, 49, 51]
    assert field.numbers.tolist() == names
    expected = np.array([[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]], bool)
    np.testing.assert_array_equal(bonded, expected)


def test_wrong_input_is_named():
    atoms = alloy()
    atoms.symbols[0] = "Fe"
    with pytest.raises(ValueError, match="no constants of Fe: give an ASE calculator"):
        bond_of(atoms)
    antisite = zincblende()
    antisite.symbols[0] = "As"
    with pytest.raises(ValueError, match="As-As.* no parameters"):
        bond_of(antisite)
    with pytest.raises(ValueError, match="'keating' or 'modified'"):
        choose_field(np.array([14]), "stillinger")
    with pytest.raises(ValueError, match="no constants of Ga, As"):
        choose_field(np.array([31, 33]), "modified")
    bridge = Atoms("SiHSi", [(0, 0, 0), (1.6, 0, 0), (3.2, 0, 0)])
    with pytest.raises(ValueError, match="H. has more than one bond"):
        bond_of(bridge)
    atoms = alloy()
    with pytest.raises(ValueError, match="positions have the shape"):
        bond_of(atoms).forces(atoms.positions[1:])
