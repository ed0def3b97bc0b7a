"""Edges of parts of models: of known spectra, of crystals, and of wells beside k.p theory."""

import numpy as np
import pytest
from ase.build import bulk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from hyperspy_twin import AtomicModel
from hyperspy_twin.properties import (
    DensitySettings,
    hole_parameters,
    local_edges,
    model_hamiltonian,
    strained_edges,
)
from hyperspy_twin.properties.kernel_polynomials import (
    EnergyWindow,
    gaussian_moments,
    smoothed_states,
)

WINDOW = EnergyWindow(1.0, 4.0)


def hamiltonian_of(atoms, **options):
    return model_hamiltonian(atoms.positions, atoms.numbers, atoms.cell.array, atoms.pbc, **options)


def smoothed(energies, weights, resolution):
    """Exact moments of a spectrum, smoothed."""
    order = np.arange(gaussian_moments(resolution, WINDOW))
    moments = np.cos(np.outer(order, np.arccos(WINDOW.scaled(energies)))) @ weights
    return smoothed_states(moments[None], WINDOW, resolution)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), resolution=st.floats(0.05, 0.3))
def test_density_and_what_contributes_to_it(seed, resolution):
    """Sums over the states themselves, on the angle where the kernel is equally wide."""
    rng = np.random.default_rng(seed)
    energies, weights = rng.uniform(-2.5, 4.5, 12), rng.uniform(0.5, 2.0, 12)
    found = smoothed(energies, weights, resolution)
    width = resolution / np.sqrt(8 * np.log(2)) / WINDOW.half_width
    theta, states = (np.arccos(WINDOW.scaled(one)) for one in (found.energies, energies))
    gauss = weights * np.exp(-0.5 * ((theta[:, None] - states) / width) ** 2)
    density = gauss.sum(axis=1) / (np.sqrt(2 * np.pi) * width * 4.0 * np.sin(theta))
    assert found.density[0] == pytest.approx(density, abs=1e-3 * density.max())
    seen = density > 0.05 * density.max()
    share = gauss[seen] / gauss[seen].sum(axis=1, keepdims=True)
    mean = share @ states
    spread = np.sqrt(np.maximum(share @ states**2 - mean**2, 0.0))
    expected = WINDOW.centre + WINDOW.half_width * np.cos(mean)
    assert found.mean[0, seen] == pytest.approx(expected, abs=0.02 * resolution)
    expected = spread * WINDOW.half_width * np.sin(theta[seen])
    assert found.spread[0, seen] == pytest.approx(expected, abs=0.1 * resolution)
    clear = np.abs(theta[:, None] - states).min(axis=1) > 5 * width
    count = (weights * (energies < found.energies[:, None])).sum(axis=1)
    assert found.below[0, clear] == pytest.approx(count[clear], abs=1e-3)


def test_the_last_state_is_where_it_is_though_the_density_reaches_further():
    found = smoothed(np.array([0.3, 0.9, 2.0]), np.array([5.0, 1.0, 3.0]), 0.2)
    place = np.argmin(np.abs(found.energies - 1.05))
    assert found.density[0, place] > 0.01
    assert found.mean[0, place] == pytest.approx(0.9, abs=1e-3)
    assert found.spread[0, place] < 0.01


@pytest.mark.parametrize(
    ("element", "edge", "expected"),
    [("Ge", 5.6563, (0.68, 0.68 + 0.7372)), ("GaAs", 5.6532, (0.0, 1.519))],
)
def test_edges_of_a_crystal(element, edge, expected):
    """Four cells along each side have L among their waves, 0.05 eV of resolution or none."""
    structure = "diamond" if element == "Ge" else "zincblende"
    hamiltonian = hamiltonian_of(bulk(element, structure, a=edge, cubic=True).repeat(4))
    labels = np.arange(512) // 8 % 3 - 1
    found = local_edges(hamiltonian, labels, 3, DensitySettings(resolution=0.2))
    assert np.isnan([found.valence[2], found.conduction[2]]).all()
    for name, value in zip(("valence", "conduction"), expected, strict=True):
        values, errors = (getattr(found, one)[:2] for one in (name, f"{name}_error"))
        assert values == pytest.approx(value, abs=0.03)
        assert (np.abs(values - value) < 3 * errors + 0.005).all()
    assert expected[0] < found.gap[0] < found.gap[1] < expected[1]


def well(barrier, inside, *, cells, thickness, sides, seed):
    """Periodic alloy well on (001), growth along y, strained to its barrier: model, strains."""
    relaxed = lambda x: 5.431 + 0.2 * x + 0.027 * x**2  # noqa: E731
    edge = relaxed(barrier)
    parallel = edge / relaxed(inside) - 1
    perpendicular = -0.76 * parallel  # 2 C12 / C11 of silicon .77, of germanium .75
    atoms = bulk("Si", "diamond", a=1.0, cubic=True).repeat((sides, cells, sides))
    y, first = atoms.positions[:, 1], (cells - thickness) / 2
    within = (y >= first) & (y < first + thickness)
    x = np.where(within, inside, barrier)
    atoms.numbers[np.random.default_rng(seed).random(len(atoms)) < x] = 32
    layer = relaxed(inside) * (1 + perpendicular)
    knots = np.array([0, first, first + thickness, cells], float)
    places = np.cumsum([0, first * edge, thickness * layer, first * edge])
    atoms.positions = np.stack(
        [atoms.positions[:, 0] * edge, np.interp(y, knots, places), atoms.positions[:, 2] * edge], 1
    )
    atoms.cell = np.diag([sides * edge, places[-1], sides * edge])
    atoms.pbc = True
    model = AtomicModel.from_ase(atoms).relax(show_progressbar=False)
    return model, parallel, perpendicular


def confinement(depth, mass, thickness):
    """Lowest energy in eV of a well with walls of a depth in eV, with a mass in m0, in nm."""
    kinetic = 0.0380998 / mass  # eV nm^2: hbar^2 / 2 m
    edge = np.sqrt(depth / kinetic) * thickness / 2
    z = brentq(lambda z: z * np.sin(z) - np.sqrt(edge**2 - z**2) * np.cos(z), 1e-6, min(edge, 1.57))
    return kinetic * (2 * z / thickness) ** 2


def check_well(barrier, inside, bins, **options):
    """Valence edge of the outer and the middle bin beside k.p theory, within 30 meV.

    That is, deformation potentials and the first subband of heavy holes between walls of finite
    height; the deformation potentials alone hold within 15 meV.
    """
    model, parallel, perpendicular = well(barrier, inside, **options)
    found = model.band_edges(bins=bins, show_progressbar=False)
    valence, conduction = found.data
    error = np.sqrt(found.metadata.Signal.Noise_properties.variance.data)
    outside = strained_edges(barrier, 0.0, 0.0)[:2].max()
    deep = strained_edges(inside, parallel, perpendicular)[:2].max()
    silicon, germanium = (hole_parameters(one, "Niquet") for one in ("Si", "Ge"))
    stiff = [one.gamma_1 - 2 * one.gamma_2 for one in (silicon, germanium)]
    mass = 1 / np.interp(inside, [0, 1], stiff)
    thickness = np.ptp(model.positions[:, 1]) / 10 * options["thickness"] / options["cells"]
    raised = confinement(deep - outside, mass, thickness)
    assert 0.01 < raised < 0.07
    middle = bins // 2
    assert valence[[0, middle]] == pytest.approx([outside, deep - raised], abs=0.03)
    assert (error < 0.1).all() and error[0, middle] < 0.02
    low, high = found.metadata.Profile.gap
    assert low < high and (valence < low).all() and (conduction > high).all()
    return found


def test_valence_edge_of_a_well_beside_kp():
    """Neither composition nor thickness was looked at when the constants were chosen."""
    found = check_well(0.6, 0.95, 5, cells=20, thickness=10, sides=2, seed=7)
    assert found.metadata.Profile.components == ["valence edge", "conduction edge"]
    assert found.axes_manager.signal_axes[0].units == "nm"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("barrier", "inside", "cells", "thickness", "sides", "seed"),
    [
        (0.7, 1.0, 30, 10, 3, 5),
        (0.5, 0.9, 30, 14, 3, 11),
        (0.8, 1.0, 30, 12, 3, 3),
        (0.3, 0.6, 30, 16, 3, 4),
        (0.75, 1.0, 26, 6, 2, 31),
    ],
)
def test_valence_edge_of_more_wells(barrier, inside, cells, thickness, sides, seed):
    """Up to two thousand atoms, wells of 3.4 to 9 nm; the first of these was looked at."""
    bins = cells // 2
    check_well(barrier, inside, bins, cells=cells, thickness=thickness, sides=sides, seed=seed)


def test_error_bars_hold_over_seeds():
    """Strained alloy, whose states spread over both parts alike."""
    model, *_ = well(0.5, 0.5, cells=8, thickness=2, sides=2, seed=1)
    hamiltonian = hamiltonian_of(model.to_ase())
    labels = (np.arange(len(model.numbers)) % 2).astype(int)
    runs = [
        local_edges(hamiltonian, labels, 2, DensitySettings(resolution=0.2, vectors=4, seed=seed))
        for seed in range(6)
    ]
    for name in ("valence", "conduction"):
        values, errors = (
            np.array([getattr(one, key) for one in runs]) for key in (name, f"{name}_error")
        )
        assert (values.std(axis=0) <= 1.5 * errors.mean(axis=0)).all()
        assert (errors < 0.1).all()


def test_a_metal_has_no_edges():
    """Germanium whose atoms are misplaced by 0.2 Å each: states everywhere in the gap."""
    atoms = bulk("Ge", "diamond", a=5.658, cubic=True).repeat(3)
    atoms.rattle(0.2, seed=1)
    model = AtomicModel.from_ase(atoms)
    with pytest.raises(ValueError, match=r"is metallic, .* states per eV and atom .*most in part"):
        model.band_edges(bins=3)


def test_bad_input():
    model = AtomicModel.from_ase(bulk("Ge", "diamond", a=5.658, cubic=True).repeat(2))
    with pytest.raises(ValueError, match="at least two random vectors"):
        model.band_edges(vectors=1)
    with pytest.raises(ValueError, match="evenly spaced"):
        model.band_edges(bins=[0.0, 0.2, 0.6, 1.1])
    with pytest.raises(ValueError, match="resolution is a width above zero"):
        model.band_edges(bins=2, resolution=0.0)
    with pytest.raises(ValueError, match="k is 0 or 0.5"):
        model.band_edges(bins=2, k=0.25)
