"""Spot patterns of known truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from hyperspy_twin.core import Peaks
from hyperspy_twin.crystals.diffraction.reflections import find_zone_reflections, structure_factors
from hyperspy_twin.crystals.diffraction.zone_patterns import zone_frame
from hyperspy_twin.crystals.indexing.region_indexing import index_regions
from hyperspy_twin.crystals.indexing.settings import IndexingSettings
from hyperspy_twin.crystals.structures import catalogue
from hyperspy_twin.crystals.structures.symmetry import laue_rotations


@dataclass
class Pattern:
    spots: np.ndarray
    error: np.ndarray
    intensity: np.ndarray
    orientation: np.ndarray

    def __iter__(self):
        return iter((self.spots, self.error, self.intensity))

    @property
    def peaks(self):
        return Peaks(position=self.spots, error=self.error, intensity=self.intensity)


@pytest.fixture(scope="session")
def make_pattern():
    """Spots of a zone axis; all options describe what is wrong with them."""

    def make(
        name, zone, angle=0.3, scale=1.0, anisotropy=0.0, missing=0.0, false=0, both=False, seed=0,
        noise=0.0, g_max=12.0, contrast=structure_factors,
    ):  # fmt: skip
        rng = np.random.default_rng(seed)
        crystal = catalogue.get(name)
        found = find_zone_reflections(crystal, zone, g_max)
        frame = zone_frame(crystal, zone, found.vector[0])
        turn = np.array(
            [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
        )
        orientation = turn @ frame
        spots = found.vector @ orientation[:2].T
        half = np.array([tuple(row) > (0, 0, 0) for row in found.hkl.tolist()])
        power = np.abs(contrast(crystal, found.hkl)) ** 2 * np.exp(-0.02 * found.length**2)
        keep = (half | both) & (power > 2e-3 * power.max())
        spots, power = spots[keep], power[keep]
        kept = rng.random(len(spots)) >= missing
        spots, power = spots[kept], power[kept]
        spots = scale * spots * [1 + anisotropy / 2, 1 - anisotropy / 2]
        spots = spots + rng.normal(0, noise, spots.shape)
        extra = rng.uniform(-9, 9, (false, 2))
        spots = np.vstack([spots, extra])
        power = np.append(power, rng.uniform(0.01, 0.1, false) * power.max())
        order = rng.permutation(len(spots))
        error = np.full(spots.shape, max(noise, 0.01))
        return Pattern(spots[order], error, power[order], orientation)

    return make


@pytest.fixture(scope="session")
def peaks_of():
    """Peaks of arrays; one error for all if it is a number, equal intensities if there are none."""

    def make(spots, error, intensity=None):
        position = np.asarray(spots, float).reshape(-1, 2)
        return Peaks(
            position=position,
            error=np.broadcast_to(error, position.shape),
            intensity=np.ones(len(position)) if intensity is None else np.asarray(intensity, float),
        )

    return make


@pytest.fixture(scope="session")
def identify():
    """Identify the phase of one region."""
    return lambda peaks, candidates, **options: index_regions(
        [peaks], candidates, IndexingSettings(**options)
    )[0]


@pytest.fixture(scope="session")
def same_family():
    """Whether two zone axes are carried into each other by a rotation of the crystal."""

    def same(crystal, first, second):
        family = laue_rotations(crystal) @ np.array(first)
        return tuple(second) in {tuple(row) for row in family.tolist()}

    return same


@pytest.fixture(scope="session")
def make_entry():
    """Entry of an OPTIMADE database that holds a crystal in its conventional cell."""

    def make(name, crystal, **changes):
        labels = sorted(set(crystal.symbols))
        attributes = {
            "dimension_types": [1, 1, 1],
            "lattice_vectors": crystal.base.tolist(),
            "cartesian_site_positions": (np.array(crystal.fractional) @ crystal.base).tolist(),
            "species": [
                {"name": label, "chemical_symbols": [label], "concentration": [1.0]}
                for label in labels
            ],
            "species_at_sites": list(crystal.symbols),
            "structure_features": [],
        }
        return {"id": name, "type": "structures", "attributes": {**attributes, **changes}}

    return make


@pytest.fixture(scope="session")
def primitive_silicon(make_entry):
    """Entry with silicon in its primitive cell, under any identifier."""

    def make(name="mp-149"):
        half = 5.431 / 2
        return make_entry(
            name,
            catalogue.get("Si"),
            lattice_vectors=[[0, half, half], [half, 0, half], [half, half, 0]],
            cartesian_site_positions=[[0, 0, 0], [half / 2] * 3],
            species_at_sites=["Si", "Si"],
        )

    return make
