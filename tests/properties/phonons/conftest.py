"""The valence force field in plain NumPy, which the compiled one is compared with."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from ase.build import bulk
from scipy import constants

from hyperspy_twin.properties import bond_atoms

NEWTON_PER_METRE = 1e-20 / constants.e  # in eV/Å²
EDGE = {"Si": 5.431, "Ge": 5.658}  # Å
NAMES = ("Si", "Ge")
# alpha, beta, delta, nu in N/m, of R. M. Martin (1970), and of Z. Sui and I. P. Herman (1993)
CONSTANTS = {
    "keating": {"Si": (48.50, 13.81, 0, 0), "Ge": (38.67, 11.35, 0, 0)},
    "modified": {"Si": (49.4, 4.79, 5.2, 6.99), "Ge": (44.32, 3.68, 4.95, 6.13)},
}


def valence_field(name):
    """Tables of Si and Ge; mixed bonds have the means."""
    length = np.array([EDGE[one] * np.sqrt(3) / 4 for one in NAMES])
    values = np.array([CONSTANTS[name][one] for one in NAMES]) * NEWTON_PER_METRE
    tables = (values[:, None] + values[None]) / 2
    names = ("stretch", "bend", "cross_stretch", "coplanar")
    parts = {one: tables[..., place] for place, one in enumerate(names)}
    return SimpleNamespace(name=name, length=(length[:, None] + length) / 2, **parts)


def energy(positions, atoms, field):
    """Energies of any number of sets of positions, shape (..., n, 3), which may be complex."""
    bonds, species = atoms.bonds, (atoms.field.numbers[atoms.species] == 32).astype(int)
    i, s = np.nonzero(bonds.index >= 0)
    j = bonds.index[i, s]
    vectors = positions[..., j, :] - positions[..., i, :] + bonds.shift[i, s] @ bonds.cell
    d = field.length[species[i], species[j]]
    constant = {
        name: getattr(field, name)[species[i], species[j]]
        for name in ("stretch", "bend", "cross_stretch", "coplanar")
    }

    def product(one, other):
        return (vectors[..., one, :] * vectors[..., other, :]).sum(axis=-1)

    bond = np.arange(len(i))
    stretched = product(bond, bond) - d**2
    total = (3 / 16 * constant["stretch"] / d**2 * stretched**2).sum(axis=-1)
    one, other = np.nonzero((i[:, None] == i) & (bond[:, None] < bond))
    bent = product(one, other) + d[one] * d[other] / 3
    weight = 3 / 8 / (d[one] * d[other])
    beta, delta = (
        np.sqrt(constant[name][one] * constant[name][other]) for name in ("bend", "cross_stretch")
    )
    total = total + (weight * beta * bent**2).sum(axis=-1)
    total = total + (weight * delta * stretched[..., one] * stretched[..., other]).sum(axis=-1)
    if not field.coplanar.any():
        return total
    # Chains j-i-k-l: bonds i-j (a), i-k (b), k-i (back) and k-l (c), whose outer ones are parallel.
    back = np.array(
        [np.flatnonzero((i == j[m]) & (s == bonds.reverse[i[m], s[m]]))[0] for m in bond]
    )
    still = vectors.real.reshape(-1, *vectors.shape[-2:])[0]
    units = still / np.linalg.norm(still, axis=1)[:, None]
    a, b = np.nonzero((i[:, None] == i) & (bond[:, None] != bond))
    pair, c = np.nonzero((i[back[b]][:, None] == i) & (back[b][:, None] != bond))
    a, b = a[pair], b[pair]
    flat = (units[a] * units[c]).sum(axis=1) < -7 / 9
    a, b, c = a[flat], b[flat], c[flat]
    nu = constant["coplanar"]
    weight = 3 / 8 * np.sqrt(nu[b]) * (nu[a] * nu[c]) ** 0.25 / (d[b] * np.sqrt(d[a] * d[c]))
    first = product(a, b) + d[a] * d[b] / 3
    second = product(back[b], c) + d[c] * d[b] / 3
    return total + (weight / 2 * first * second).sum(axis=-1)  # each chain was met from both ends


def gradient(positions, *model):
    """Derivatives of the energy, by steps along the imaginary axis, which have no rounding."""
    step = 1e-30
    moved = positions + 1j * step * np.eye(positions.size).reshape(-1, *positions.shape)
    return (energy(moved, *model).imag / step).reshape(positions.shape)


def alloy(times, fraction=0.4, *, seed=0, rattle=0.05, pbc=True, edge=5.5, cubic=True):
    """Random Si-Ge crystal that is strained and rattled."""
    atoms = bulk("Si", "diamond", a=edge, cubic=cubic).repeat(times)
    numbers = np.where(np.random.default_rng(seed).random(len(atoms)) < fraction, 32, 14)
    atoms.numbers = numbers
    atoms.rattle(rattle, seed=seed)
    atoms.pbc = pbc
    return atoms


def bonds_of(atoms, name):
    """Bonds and force field of a model."""
    return bond_atoms(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc, name)


@pytest.fixture(params=["keating", "modified"])
def field(request):
    """Both force fields."""
    return valence_field(request.param)
