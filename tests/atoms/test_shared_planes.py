"""Models of twins against bicrystals in which each atom has the neighbours of the crystal."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from hyperspy_twin.atoms import TwinPlane, build_model, find_bonds
from hyperspy_twin.atoms.joins.lifts import add_up
from hyperspy_twin.core import Crystal, Grid, RegisteredLattice, trace
from hyperspy_twin.simulation import fault_crystal

GRID = Grid((140, 140), (0.05, 0.05))
MIDDLE = 3.5  # nm
FACES = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
DIAMOND = np.concatenate([FACES, FACES + 0.25])
# Lattice constant in Å, sites, elements, height of a cut in periods of (1 -1 1) from an atom of the
# first site, neighbours.
CRYSTALS = {
    "Ge": (5.658, DIAMOND, ("Ge",) * 8, 0.125, 4),
    "InP": (5.8697, DIAMOND, ("In",) * 4 + ("P",) * 4, 0.125, 4),
    "Au": (4.078, FACES, ("Au",) * 4, 0.5, 12),
}
PLANE = np.array([1, -1, 1])


class Twinned(NamedTuple):
    """A bicrystal: its atoms in Å, both lattices, heights of pixels above the first cut in nm."""

    crystal: Crystal
    atoms: np.ndarray
    bases: tuple[np.ndarray, np.ndarray]
    normal: np.ndarray
    height: np.ndarray
    period: float


def twinned(name: str, angle: float, planes: int = 99) -> Twinned:
    """Make a twin of so many planes, the first of them next to the middle of the image."""
    edge, sites, symbols, cut, _ = CRYSTALS[name]
    crystal = Crystal(name, (edge,) * 3 + (90.0,) * 3, symbols, sites, (1.0,) * len(sites))
    cuts = cut + np.arange(planes)
    atoms, base, vector = fault_crystal(edge, sites, cuts, 10 * MIDDLE + 5, angle)
    atoms += [10 * MIDDLE, 10 * MIDDLE, 0.0]
    spacing = 1 / np.linalg.norm(vector)
    normal = vector * spacing
    other = base @ (2 * np.outer(normal, normal) - np.eye(3))
    x, y = np.meshgrid(GRID.x - MIDDLE, GRID.y - MIDDLE)
    height = x * normal[0] + y * normal[1] - cut * spacing / 10
    return Twinned(crystal, atoms, (base, other), normal[:2], height, edge / np.sqrt(2))


def origin_of(one: Twinned, number: int, between: tuple[float, float]) -> np.ndarray:
    """Origin (x, y) in nm of a cell of one lattice that lies between two heights in nm."""
    sites = (one.crystal.fractional @ one.bases[number])[:, :2]
    tree, away = cKDTree(one.atoms[:, :2]), (one.atoms[:, :2] - 10 * MIDDLE) @ one.normal / 10
    inside = one.atoms[(away > between[0]) & (away < between[1]), :2]
    whole = tree.query(inside[:, None] + sites)[0].max(axis=1) < 1e-3
    return inside[whole][np.linalg.norm(inside[whole] - 10 * MIDDLE, axis=1).argmin()] / 10


def model_of(one, labels, *, off=(0.0, 0.0), between=((-2.5, 0.0), (0.0, 2.5)), joined=True):
    """Model of regions as drawn, of which every second is the twin, which is off by some nm."""
    lattices = []
    for number, heights in enumerate(between):
        twin = number % 2
        origin = origin_of(one, twin, heights) + twin * np.asarray(off)
        zone = (-1, -1, 0) if twin else (1, 1, 0)
        lattices.append(RegisteredLattice(
            number + 1, one.crystal, one.bases[twin], zone, tuple(origin), 1.0, False
        ))  # fmt: skip
    plane = tuple(PLANE.tolist())
    twins = [TwinPlane((n, n + 1), (plane, plane)) for n in range(1, len(between))]
    return build_model(
        lattices, trace(labels, GRID), displacement=np.zeros((2, *GRID.shape)), grid=GRID,
        thickness=1.5, seed=0, twins=twins if joined else (),
    )  # fmt: skip


def compare(one, found):
    """Distances in Å of true atoms from the model, coordination, bonds over those of the crystal.

    Where the crystal begins along the beam no image shows: the mean shift along it is taken out.
    """
    true = one.atoms[(np.abs(one.atoms[:, :2] - 10 * MIDDLE) < 28).all(axis=1)]
    near = found.positions.copy()
    column = cKDTree(near[:, :2]).query(true[:, :2])[1]
    turns = np.exp(2j * np.pi * (near[column, 2] - true[:, 2]) / one.period)
    near[:, 2] -= one.period * np.angle(turns.mean()) / (2 * np.pi)
    near[:, 2] = np.mod(near[:, 2] + 1e-6, one.period)
    wrapped = np.concatenate([near + [0, 0, shift * one.period] for shift in (-1, 0, 1)])
    distance = cKDTree(wrapped).query(true)[0]
    edge, sites, *_ = CRYSTALS[one.crystal.name]
    bond = edge * np.linalg.norm(sites, axis=1)[1:].min()
    cell = np.diag([200.0, 200.0, found.thickness])
    bonds = find_bonds(found.positions, found.numbers, cell, (False, False, True), 1.2 * bond)
    inside = (np.abs(found.positions[:, :2] - 10 * MIDDLE) < 28).all(axis=1)
    return (
        distance,
        bonds.count[inside],
        bonds.distances(found.positions)[inside[bonds.atom]] / bond,
    )


def drawn(one, outline, wave=0.0):
    """Two regions whose border winds about a height in nm."""
    return np.where(one.height < outline + wave * np.sin(4 * place_along(one)), 1, 2)


def outline_of(name, part):
    """Height in nm of an outline that is off by a part of half the way to the next common layer.

    The common layer is the one below the cut, in gold; in the others the two that are bonded
    along the normal there.
    """
    return (1.5 * part - 0.5) * CRYSTALS[name][0] / np.sqrt(3) / 10


@pytest.mark.parametrize("name", CRYSTALS)
@settings(deadline=None, max_examples=3, derandomize=True)
@given(st.floats(0, 360), st.floats(-0.8, 0.8), st.floats(0, 0.12), st.floats(0, 2 * np.pi))
def test_each_atom_of_a_twin_has_its_neighbours(name, angle, part, wave, way):
    """Wherever the outline is drawn within half the distance of common layers."""
    one = twinned(name, angle)
    off = 0.008 * np.array([np.cos(way), np.sin(way)])
    found = model_of(one, drawn(one, outline_of(name, part), wave), off=off)
    distance, count, lengths = compare(one, found)
    assert (count == CRYSTALS[name][4]).all()
    assert 0.97 < lengths.min() and lengths.max() < 1.03
    assert distance.max() < 0.15  # the second lattice is off by .08
    assert "share" in found.remarks["regions 1 and 2"]
    if name == "InP":
        assert set(find_pairs(found)) == {(15, 49), (49, 15)}


def find_pairs(found):
    cell = np.diag([200.0, 200.0, found.thickness])
    bonds = find_bonds(found.positions, found.numbers, cell, (False, False, True), 3.0)
    pairs = np.stack([found.numbers[bonds.atom], found.numbers[bonds.index]], axis=1)
    return map(tuple, np.unique(pairs, axis=0).tolist())


@pytest.mark.parametrize("planes", [6, 7, 8])
def test_lamella(planes):
    """The shifts of its planes add up to a lattice vector, or not."""
    one = twinned("Ge", 33.0, planes)
    thickness = planes * 0.5658 / np.sqrt(3)
    labels = np.digitize(one.height, [0.1, thickness - 0.15]) + 1
    between = (-2.5, 0.0), (0.0, thickness), (thickness, 3.4)
    found = model_of(one, labels, off=(0.004, -0.003), between=between)
    distance, count, lengths = compare(one, found)
    assert (count == 4).all()
    assert 0.97 < lengths.min() and lengths.max() < 1.03
    assert distance.max() < 0.1


def test_without_the_shared_plane_bonds_are_broken():
    one = twinned("Ge", 12.0)
    _, count, _ = compare(one, model_of(one, drawn(one, 0.15, 0.1), joined=False))
    assert np.mean(count != 4) > 0.02


def test_lattices_that_disagree_share_no_plane(caplog):
    """Shifted along the plane, by half the way to another layer that coincides."""
    one = twinned("Ge", 12.0)
    off = 0.05 * np.array([one.normal[1], -one.normal[0]])
    found = model_of(one, drawn(one, 0.0), off=off)
    assert "regions 1 and 2: share no plane: their columns are 50 pm apart or more" in caplog.text
    assert "50 pm apart" in found.remarks["regions 1 and 2"]
    alone = model_of(one, drawn(one, 0.0), off=off, joined=False)
    np.testing.assert_array_equal(found.positions, alone.positions)


def place_along(one):
    """Places of pixels along the plane in nm, from the middle."""
    along = np.array([one.normal[1], -one.normal[0]])
    return np.tensordot(along, np.meshgrid(GRID.x - MIDDLE, GRID.y - MIDDLE), axes=1)


def test_lamella_that_ends_inside_shares_both_of_its_planes():
    one = twinned("Ge", 12.0, 6)
    thickness = 6 * 0.5658 / np.sqrt(3)
    inside = (np.abs(place_along(one)) < 2) & (one.height > 0.1) & (one.height < thickness - 0.1)
    found = model_of(one, np.where(inside, 2, 1), between=((-2.5, 0.0), (0.0, thickness)))
    assert found.remarks["regions 1 and 2"].count("share ") == 2
    away = found.positions[:, :2] / 10 - MIDDLE
    cell = np.diag([200.0, 200.0, found.thickness])
    bonds = find_bonds(found.positions, found.numbers, cell, (False, False, True), 2.94)
    beside = np.abs(away @ [one.normal[1], -one.normal[0]]) < 1.4
    chosen = beside & (np.abs(away) < 2.8).all(axis=1)
    assert (bonds.count[chosen] == 4).all()


@pytest.mark.parametrize("slope", [0.5, 3.0])
def test_border_beside_the_plane_is_none_of_it(slope, caplog):
    one = twinned("Ge", 12.0)
    model_of(one, np.where(one.height < slope * place_along(one), 1, 2))
    assert "border does not follow" in caplog.text


def test_lifts_add_up_over_regions(caplog):
    """Regions 1 and 3 are on one lattice, and 4 is joined to both."""
    labels = np.repeat([[1, 2, 3]], 4, axis=0)
    owner = {1: 0, 2: 1, 3: 0}
    lifts = add_up([(1, 2, 0.5), (2, 3, 0.25)], labels, owner)
    assert lifts == {1: 0.0, 2: 0.5, 3: 0.75} and not caplog.records
    labels = np.repeat([[1, 3, 2]], 4, axis=0)
    add_up([(1, 2, 0.5), (2, 3, 0.25)], labels, owner)
    assert "cannot be joined along the beam" in caplog.text
