"""Crystals a few degrees off their zone axis."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core import Peaks
from hyperspy_twin.crystals.diffraction.reflections import find_reflections
from hyperspy_twin.crystals.diffraction.zone_patterns import zone_frame
from hyperspy_twin.crystals.structures import catalogue

WAVELENGTH = 0.00251  # nm, 200 kV
CANDIDATES = ["Si", "Ge", "InP", "Au", "Cu", "Fe", "SrTiO3", "GaN", "TiO2"]


def tilted(name, zone, degrees, towards, thickness=5.0):
    """Spots of a foil, weakened by their excitation errors, and the orientation."""
    crystal = catalogue.get(name)
    found = find_reflections(crystal, 10.0)
    in_zone = found.vector[(found.hkl @ zone == 0).argmax()]
    angle, turn = np.deg2rad(degrees), np.deg2rad(towards)
    about = np.array([np.cos(turn), np.sin(turn), 0.0])
    cross = np.cross(np.eye(3), about)
    tilt = np.eye(3) - np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    orientation = tilt @ zone_frame(crystal, zone, in_zone)
    g = found.vector @ orientation.T
    sphere = WAVELENGTH / 2 * (g**2).sum(axis=1)
    away = np.stack([g[:, 2] - sphere, -g[:, 2] - sphere]) * thickness
    shape = np.where(np.abs(away) < 1, np.sinc(away) ** 2, 0).mean(axis=0)
    power = np.abs(found.structure_factor) ** 2 * shape
    kept = (g[:, 0] > 0) & (power > 3e-3 * power.max())
    rng = np.random.default_rng(1)
    spots = g[kept, :2] + rng.normal(0, 0.02, (kept.sum(), 2))
    peaks = Peaks(position=spots, error=np.full(spots.shape, 0.02), intensity=power[kept])
    return peaks, orientation


@pytest.mark.parametrize("towards", [0, 35, 90, 130])
@pytest.mark.parametrize("name", ["Si", "Au", "SrTiO3", "GaN"])
def test_zone_is_found_at_three_degrees(name, towards, same_family, identify):
    zone = (1, 1, 0) if name != "GaN" else (1, 0, 0)
    peaks, orientation = tilted(name, zone, 3.0, towards)
    verdict = identify(peaks, CANDIDATES)
    assert verdict.phase == name
    assert same_family(catalogue.get(name), verdict.zone_axis, zone)
    # The tilt itself does not show in the places of the peaks.
    beam = verdict.orientation @ (np.array(verdict.zone_axis) @ catalogue.get(name).base)
    true = orientation @ (np.array(zone) @ catalogue.get(name).base)
    between = beam @ true / np.linalg.norm(beam) / np.linalg.norm(true)
    assert np.rad2deg(np.arccos(between)) == pytest.approx(3.0, abs=0.1)
    explained = verdict.hkl.any(axis=1)
    assert explained.mean() > 0.85
