"""Thin crystals, made layer by layer: reflections of upper Laue zones are theirs."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core import ANGSTROM_PER_NM, Peaks
from hyperspy_twin.crystals.diffraction import make_thin_patterns, make_zone_patterns
from hyperspy_twin.crystals.diffraction.reflections import electron_scattering_factor
from hyperspy_twin.crystals.indexing.region_indexing import index_regions
from hyperspy_twin.crystals.indexing.settings import IndexingSettings
from hyperspy_twin.crystals.structures import catalogue

THIRDS = 1e-3  # of the strongest intensity: weaker peaks are not seen


def layers_along_111(crystal, count):
    """Kinematical peaks of ``count`` close-packed layers of an fcc lattice, summed atom by atom.

    Of each layer one primitive cell; the in-plane vectors are [1 -1 0]/2 and [0 1 -1]/2, and the
    next layer is displaced by [0 1 1]/2.
    """
    edge = crystal.lattice[0]
    x, y = np.array([1, -1, 0]) / np.sqrt(2), np.array([1, 1, -2]) / np.sqrt(6)
    flat = np.array([x, y])
    cell = edge * np.array([[1, -1, 0], [0, 1, -1]]) / 2 @ flat.T
    fractional = np.array(crystal.fractional)
    motif = (fractional - fractional[0]).max(axis=1) < 0.45
    motif &= (fractional - fractional[0] >= -1e-9).all(axis=1)
    motif &= ~(np.isclose(fractional - fractional[0], 0.5)).any(axis=1)
    symbols = [one for one, kept in zip(crystal.symbols, motif, strict=True) if kept]
    atoms = edge * fractional[motif]
    index = np.stack(np.meshgrid(*[np.arange(-9, 10)] * 2, indexing="ij"), -1).reshape(-1, 2)
    g = index @ np.linalg.inv(cell).T
    length = np.hypot(*g.T)
    kept = (length < 1.0) & ((index[:, 0] > 0) | ((index[:, 0] == 0) & (index[:, 1] > 0)))
    g, length = g[kept], length[kept]
    amplitude = np.zeros(len(g), complex)
    for layer in range(count):
        for symbol, atom in zip(symbols, atoms, strict=True):
            place = (atom + layer * edge * np.array([0, 1, 1]) / 2) @ flat.T
            factor = electron_scattering_factor(symbol, length) * np.exp(-0.5 * length**2 / 4)
            amplitude += factor * np.exp(2j * np.pi * g @ place)
    power = np.abs(amplitude) ** 2
    seen = power > THIRDS * power.max()
    position = ANGSTROM_PER_NM * g[seen]
    return Peaks(position, np.full(position.shape, 0.01), power[seen])


def identify(peaks, names):
    return index_regions([peaks], [catalogue.get(name) for name in names], IndexingSettings())[0]


@pytest.mark.parametrize("name", ["Ge", "Au"])
def test_layers_show_thirds_where_their_number_is_no_multiple_of_three(name):
    """The truth itself: intensity 1/n² of that of {220}-like ones for equal layers of one atom."""
    crystal = catalogue.get(name)
    shortest = np.sqrt(8 / 3) / crystal.lattice[0] * ANGSTROM_PER_NM
    for count in range(1, 8):
        peaks = layers_along_111(crystal, count)
        found = np.isclose(np.hypot(*peaks.position.T), shortest, rtol=1e-3)
        assert found.any() == (count % 3 != 0)


def test_projections_and_their_indices():
    crystal = catalogue.get("Au")
    (zone,) = make_zone_patterns(crystal, 1, 10.0, ((1, 1, 1),))
    patterns = make_thin_patterns(crystal, (1, 1, 1), 10.0)
    assert len(patterns) == 4
    base = crystal.reciprocal_base * ANGSTROM_PER_NM
    for thin in patterns:
        projected = thin.hkl @ base @ zone.frame[:2].T @ [1, 1j]
        np.testing.assert_allclose(projected, thin.pattern.vector, atol=1e-9)
        assert (np.abs(thin.hkl @ (1, 1, 1)) <= 2).all()
    third = np.isclose(zone.length[0] / np.sqrt(3), patterns[0].pattern.length)
    assert third.sum() == 3
    assert {tuple(np.sort(np.abs(one))) for one in patterns[0].hkl[third]} <= {(1, 1, 1), (0, 0, 2)}
    # Their tails fade with the thickness, while the zone stays.
    weight = [one.pattern.amplitude[third][0] for one in patterns]
    assert weight == sorted(weight, reverse=True) and weight[0] > 5 * weight[-1]
    own = np.isclose(patterns[0].pattern.length, zone.length[0])
    kept = [one.pattern.amplitude[own][0] for one in patterns]
    np.testing.assert_allclose(kept, zone.amplitude[0], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "axis", "points"),
    [
        ("Au", (1, 1, 1), 3),
        ("Si", (1, 1, 1), 3),
        ("W", (0, 0, 1), 1),
        ("Ni", (1, 1, 1), 3),
        ("Ge", (0, 0, 1), 1),  # 1.8 1/nm: too high
        ("Au", (1, 1, 0), 1),  # 3.5 1/nm: too high
        ("Mg", (0, 0, 1), 1),  # an upper zone that projects onto the zone
    ],
)
def test_how_many_points_upper_zones_add(name, axis, points):
    (zone,) = make_zone_patterns(catalogue.get(name), 1, 10.0, (axis,))
    if points == 1:
        assert not zone.projected.any()
        assert make_thin_patterns(catalogue.get(name), axis, 10.0) == ()
        return
    area = [abs((one[0].conjugate() * one[1]).imag) for one in (zone.basis, zone.projected)]
    assert area[0] / area[1] == pytest.approx(points)


@pytest.mark.parametrize("name", ["Ge", "Si", "Au", "Pt", "Cu", "InP"])
@pytest.mark.parametrize("count", [5, 7, 11])
def test_thin_crystal_is_found_and_its_peaks_are_marked(name, count):
    crystal = catalogue.get(name)
    peaks = layers_along_111(crystal, count)
    found = identify(peaks, ["Si", "Ge", "Au", "Pt", "Cu", "InP", "CuTe", "TiO2"])
    assert (found.phase, found.zone_axis) == (name, (1, 1, 1))
    assert found.match.explained == pytest.approx(1)
    shortest = np.sqrt(8) / crystal.lattice[0] * ANGSTROM_PER_NM
    near = np.hypot(*peaks.position.T)
    assert (found.laue_zone[near < 0.99 * shortest] > 0).all()
    assert (found.laue_zone[np.isclose(near, shortest, rtol=0.01)] == 0).all()
    g = found.match.oriented.reciprocal_vectors(found.hkl) * found.match.scale
    np.testing.assert_allclose(g, peaks.position, atol=0.03)


def test_thin_germanium_among_all_structures():
    peaks = layers_along_111(catalogue.get("Ge"), 10)
    found = identify(peaks, catalogue.names())
    assert "Ge" in (found.phase, *found.ties) and found.zone_axis == (1, 1, 1)
    # Nothing but crystals of the same lattice is tied with it.
    edges = [catalogue.get(one).lattice[0] for one in (found.phase, *found.ties)]
    np.testing.assert_allclose(edges, catalogue.get("Ge").lattice[0], rtol=0.02)


def test_without_its_structure_nothing_is_sure():
    peaks = layers_along_111(catalogue.get("Ge"), 4)
    assert identify(peaks, ["CuTe"]).phase is None
    found = identify(peaks, ["CuTe", "Si", "TiO2", "Fe"])
    assert found.phase is None or found.probability < 0.9


def test_thick_crystal_has_no_upper_zones(make_pattern):
    pattern = make_pattern("Pd", (1, 1, 1), noise=0.01)
    found = identify(pattern.peaks, ["Au", "Pd", "Cu", "Si"])
    assert found.phase == "Pd" and not found.laue_zone.any()


def test_strong_peaks_without_explanation_bound_the_probability(make_pattern):
    pattern = make_pattern("Si", (1, 1, 0), noise=0.01)
    extra = np.array([[1.7, 0.6]])
    peaks = Peaks(
        np.vstack([pattern.spots, extra]),
        np.full((len(pattern.spots) + 1, 2), 0.01),
        np.append(pattern.intensity, pattern.intensity.max()),
    )
    sure = identify(pattern.peaks, ["Si", "Ge"])
    found = identify(peaks, ["Si", "Ge"])
    assert sure.phase == found.phase == "Si"
    assert sure.probability > 0.94 > found.probability
    assert "strong peaks have no explanation" in found.reason
