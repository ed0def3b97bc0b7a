from __future__ import annotations

from itertools import product
from unittest import mock

import numpy as np
import pytest
from diffpy.structure import Lattice
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from hyperspy_twin.crystals.structures import catalogue
from hyperspy_twin.crystals.structures.optimade_entries import to_crystal

DATASET = "hyperspy_twin.crystals.structures.symmetry._symmetry_dataset"


def test_primitive_cell_becomes_the_conventional_one(primitive_silicon):
    crystal = to_crystal(primitive_silicon(), "here")
    assert crystal.space_group == "Fd-3m" and len(crystal.symbols) == 8
    assert np.allclose(crystal.lattice, catalogue.get("Si").lattice)


@pytest.mark.parametrize("name", ["SiO2", "GaN", "Al2O3", "ZrO2", "CaTiO3", "Te", "BaTiO3"])
def test_symmetry_of_known_structures_is_found_again(make_entry, name):
    known = catalogue.get(name)
    crystal = to_crystal(make_entry("1", known), "here")
    expected = "Pnma" if known.space_group == "Pbnm" else known.space_group
    assert crystal.space_group == expected
    assert len(crystal.symbols) == len(known.symbols)
    assert sorted(crystal.lattice) == pytest.approx(sorted(known.lattice), abs=1e-4)


def test_without_symmetry_the_cell_is_kept(primitive_silicon, monkeypatch):
    monkeypatch.setattr(DATASET, lambda *cell: None)
    crystal = to_crystal(primitive_silicon(), "here")
    assert crystal.space_group is None and len(crystal.symbols) == 2
    assert crystal.lattice == pytest.approx((3.8403, 3.8403, 3.8403, 60, 60, 60), abs=1e-3)


@given(
    lengths=st.tuples(*[st.floats(6, 8)] * 3),
    angles=st.tuples(*[st.floats(65, 115)] * 3),
    seed=st.integers(0, 1000),
    left=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_any_frame_gives_the_same_distances(lengths, angles, seed, left):
    rng = np.random.default_rng(seed)
    base = Lattice(*lengths, *angles).base
    turn = Rotation.random(random_state=seed).as_matrix()
    vectors = (base[[1, 0, 2]] if left else base) @ turn
    cartesian = np.array([[0, 0, 0], rng.uniform(0.4, 0.6, 3) @ base]) @ turn
    attributes = {
        "lattice_vectors": vectors.tolist(),
        "cartesian_site_positions": cartesian.tolist(),
        "species": mixed(("Si", 1.0)),
        "species_at_sites": ["Si", "Si"],
    }
    with mock.patch(DATASET, return_value=None):
        crystal = to_crystal({"id": "1", "attributes": attributes}, "here")
    assert crystal.lattice == pytest.approx((*lengths, *angles), rel=1e-6)
    images = np.array(list(product((-1, 0, 1), repeat=3)))
    found = np.diff(crystal.fractional, axis=0) + images
    given_ = (cartesian[1] - cartesian[0]) @ np.linalg.inv(base @ turn) + images
    shortest = [np.linalg.norm(shift @ base, axis=1).min() for shift in (found, given_)]
    assert shortest[0] == pytest.approx(shortest[1], abs=1e-6)


def test_left_handed_cell_is_the_same_crystal(make_entry, monkeypatch):
    monkeypatch.setattr(DATASET, lambda *cell: None)
    known = catalogue.get("SiO2")
    given = make_entry("1", known)
    given["attributes"]["lattice_vectors"] = known.base[[1, 0, 2]].tolist()
    crystal = to_crystal(given, "here")
    assert np.allclose(crystal.fractional, np.array(known.fractional) % 1, atol=1e-9)
    assert crystal.lattice == pytest.approx(known.lattice)


def mixed(*parts):
    symbols, shares = zip(*parts, strict=True)
    return [{"name": "Si", "chemical_symbols": list(symbols), "concentration": list(shares)}]


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"lattice_vectors": None}, "lattice_vectors is missing"),
        ({"lattice_vectors": [[1, 0, 0], [0, 1, 0], [None, None, None]]}, "not a number"),
        ({"lattice_vectors": [[1, 0, 0], [0, 1, 0], [0, float("nan"), 1]]}, "not finite"),
        ({"lattice_vectors": [[1, 0, 0], [0, 1, 0], [0, 10**400, 1]]}, "not finite"),
        ({"lattice_vectors": [[1, 0, 0], [0, 1, 0], [1, 1, 0]]}, "flat"),
        ({"lattice_vectors": [[1, 0, 0], [0, 1, 0], [0, 0, 0]]}, "zero"),
        ({"lattice_vectors": [[1, 0, 0], [0, 1, 0]]}, "three vectors"),
        ({"lattice_vectors": [[1, 0], [0, 1]]}, "triples"),
        ({"lattice_vectors": [["1", 0, 0], [0, 1, 0], [0, 0, 1]]}, "not a number"),
        ({"cartesian_site_positions": [[0, 0, 0]] * 8}, "occupied 8"),
        ({"cartesian_site_positions": [[0, 0, n] for n in range(1001)]}, "more than 1000"),
        ({"cartesian_site_positions": [[0, 0, 0]]}, "do not match"),
        ({"dimension_types": [1, 1, 0]}, "not periodic"),
        ({"structure_features": ["disorder", "assemblies"]}, "assemblies"),
        ({"structure_features": 3}, "not a list"),
        ({"species": []}, "not described"),
        ({"species_at_sites": [["Si"]] * 8}, "not described"),
        ({"species": mixed(("X", 1.0))}, "no chemical element"),
        ({"species": mixed(("<b>", 1.0))}, "no chemical element"),
        ({"species": mixed(("Si", 0.6), ("Ge", 0.6))}, "more than one atom"),
        ({"species": mixed(("Si", float("nan")))}, "between 0 and 1"),
        ({"species": mixed(("vacancy", 1.0))}, "no atoms"),
    ],
)
def test_unusable_entries_are_refused_with_a_reason(make_entry, attributes, reason):
    with pytest.raises(ValueError, match=reason):
        to_crystal(make_entry("1", catalogue.get("Si"), **attributes), "here")


@pytest.mark.parametrize("entry", [{}, {"id": "1"}, {"id": "1", "attributes": []}])
def test_entries_without_attributes_are_refused(entry):
    with pytest.raises(ValueError, match="attributes"):
        to_crystal(entry, "here")


def test_partial_occupancies_are_kept(make_entry):
    species = mixed(("Si", 0.75), ("Ge", 0.2), ("vacancy", 0.05))
    crystal = to_crystal(make_entry("1", catalogue.get("Si"), species=species), "here")
    assert len(crystal.symbols) == 16 and sorted(set(crystal.occupancy)) == [0.2, 0.75]
    assert crystal.formula == "Si6Ge1.6"
