"""Compositions of coherent layers against published limits and a computed truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperspy_twin.core import Grid, OrientedCrystal
from hyperspy_twin.crystals.structures.stiffness import CUBIC_STIFFNESS
from hyperspy_twin.signals._alloys import cubic_alloy, substrate_constant
from hyperspy_twin.strain.mechanics.coherent_layers import (
    CubicAlloy,
    Layers,
    composition_of_strain,
    find_growth_direction,
    map_composition,
    perpendicular_response,
    strain_of_layers,
    why_not_coherent,
)
from hyperspy_twin.strain.mechanics.measured_strain import MeasuredStrain

# Strain over misfit of a layer on (001): bulk, lamella seen along [100], lamella along [110].
PUBLISHED = {
    "Si": (1.771, 1.278, 1.361),
    "Ge": (1.752, 1.273, 1.366),
    "InSb": (2.091, 1.353, 1.533),
    "InP": (2.110, 1.357, 1.544),
}
NORMAL = np.array([0.0, 0.0, 1.0])


@pytest.mark.parametrize("name", PUBLISHED)
def test_limits_of_thick_and_thin_crystals(name):
    cases = (((1, 0, 0), "bulk"), ((1, 0, 0), "lamella"), ((1, 1, 0), "lamella"))
    found = [
        1 - perpendicular_response(CUBIC_STIFFNESS[name], NORMAL, beam, limit)
        for beam, limit in cases
    ]
    assert found == pytest.approx(PUBLISHED[name], abs=6e-4)


def test_the_bulk_limit_does_not_depend_on_the_beam_on_001_and_111():
    constants = CUBIC_STIFFNESS["Ge"]
    for growth, beams in ((NORMAL, ((1, 0, 0), (1, 1, 0))), ((1, 1, 1), ((1, -1, 0), (1, 1, -2)))):
        found = [perpendicular_response(constants, growth, beam, "bulk") for beam in beams]
        assert found[0] == pytest.approx(found[1])
    c11, c12, c44 = constants
    # Hornstra & Bartels, J. Cryst. Growth 44 (1978) 513.
    assert found[0] == pytest.approx(-2 * (c11 + 2 * c12 - 2 * c44) / (c11 + 2 * c12 + 4 * c44))


@pytest.mark.parametrize("limit", ["bulk", "lamella"])
@pytest.mark.parametrize(("system", "substrate"), [("SiGe", 0.7), ("InGaAs", "InP"), ("SiGe", 0.0)])
@settings(derandomize=True, max_examples=10, deadline=None)
@given(x=st.floats(0.0, 1.0))
def test_composition_of_a_layer_that_is_computed(system, substrate, limit, x):
    family, alloy = cubic_alloy(system)
    constant = substrate_constant(family, substrate)
    layers = Layers(constant, NORMAL, np.array([1.0, 1.0, 0.0]), limit)
    own = family.lattice_constant(x)
    stiffness = (1 - x) * np.array(CUBIC_STIFFNESS[family.ends[0]]) + x * np.array(
        CUBIC_STIFFNESS[family.ends[1]]
    )
    response = perpendicular_response(stiffness, NORMAL, layers.beam, limit)
    spacing = own * (1 + response * (constant / own - 1))
    sigma = np.array([5e-4])
    found, error = composition_of_strain(np.array([spacing / constant - 1]), sigma, alloy, layers)
    assert found[0] == pytest.approx(x, abs=2e-4)
    step = np.interp(x + 1e-2, alloy.x, strain_of_layers(alloy, layers))
    slope = (step - np.interp(x, alloy.x, strain_of_layers(alloy, layers))) / 1e-2
    assert error[0] == pytest.approx(5e-4 / slope, rel=0.03)


def layered(e_yy, e_xx, labels):
    components = np.zeros((4, *labels.shape))
    for label, strain in e_yy.items():
        components[1, labels == label] = strain
    for label, strain in e_xx.items():
        components[0, labels == label] = strain
    sigmas = np.full((3, *labels.shape), 1e-4)
    return MeasuredStrain(components, sigmas, labels, Grid(labels.shape, (1, 1)), "lagrangian")


def test_layers_that_do_not_fit_are_withheld_with_a_reason():
    _, alloy = cubic_alloy("SiGe")
    layers = Layers(substrate_constant(cubic_alloy("SiGe")[0], 0.0), NORMAL, [1, 1, 0], "bulk")
    labels = np.repeat(np.arange(6), 4)[:, None] * np.ones((1, 8), int)
    strain = float(np.interp(0.3, alloy.x, strain_of_layers(alloy, layers)))
    # The substrate, a coherent layer, a relaxed one, too large a strain, and another material.
    measured = layered({2: strain, 3: strain, 4: 0.2}, {3: 0.012}, labels)
    x, error, reasons = map_composition(measured, alloy, layers, angle=90.0, refused={5: "it is W"})
    assert np.isnan(x[labels == 0]).all()
    np.testing.assert_allclose(x[labels == 1], 0, atol=1e-6)
    np.testing.assert_allclose(x[labels == 2], 0.3, atol=1e-6)
    assert np.isfinite(error[labels == 2]).all()
    assert list(reasons) == [5, 3, 4]
    assert "not coherent" in reasons[3] and "of no composition" in reasons[4]
    assert np.isnan(x[labels >= 3]).all()
    with pytest.raises(ValueError, match="no region is a coherent layer of Si1-xGex.*region 1"):
        map_composition(measured, alloy, layers, angle=90.0, refused=dict.fromkeys(range(6), "W"))
    assert not why_not_coherent(5e-4, np.nan, 0.3, alloy, layers)


def test_strain_that_does_not_tell_the_composition_is_refused():
    x = np.linspace(0, 1, 11)
    alloy = CubicAlloy("none", x, 5.0 + (x - 0.5) ** 2, np.tile([160.0, 60.0, 80.0], (11, 1)))
    with pytest.raises(ValueError, match="does not grow steadily"):
        composition_of_strain(
            np.zeros(1), np.zeros(1), alloy, Layers(5.0, NORMAL, [1, 0, 0], "bulk")
        )


def test_growth_direction_is_the_crystals(crystals, orient):
    """An outline that is 2 degrees off lies on (001); one far from all planes stays as it is."""
    crystal = crystals["diamond"]
    oriented = OrientedCrystal(crystal, (1, 1, 0), orient(crystal.base, (1, 1, 0)))
    axis = oriented.orientation @ [0.0, 0.0, 1.0]
    turn = np.radians(2.0)
    normal = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ axis[:2]
    direction, angle = find_growth_direction(oriented, tuple(normal))
    np.testing.assert_allclose(direction, [0, 0, 1], atol=1e-9)
    assert angle == pytest.approx(np.degrees(np.arctan2(-axis[1], axis[0])))


def test_unknown_systems_and_substrates_are_refused():
    with pytest.raises(ValueError, match="no system 'SiC': choose one of SiGe, InGaAs"):
        cubic_alloy("SiC")
    family, _ = cubic_alloy("InGaAs")
    with pytest.raises(ValueError, match="from 0 to 1"):
        substrate_constant(family, 1.2)
    with pytest.raises(ValueError, match="not cubic"):
        substrate_constant(family, "PbTiO3")
