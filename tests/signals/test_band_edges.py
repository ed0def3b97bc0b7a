"""Band edges across a well of a strain map."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

import hyperspy_twin as ht
from hyperspy_twin.properties import EDGES, strained_edges


@pytest.fixture(scope="module")
def edges(chain):
    return chain.strain.band_edges(substrate=0.7)


def test_the_well_holds_holes_as_deep_as_strain_and_composition_give(chain, edges):
    """Germanium with the lattice of Si0.3Ge0.7 in its plane: the truth of the sample."""
    names = edges.metadata.Profile.components
    assert tuple(names) == (*EDGES, "x", "e_parallel", "e_perpendicular")
    y = edges.axes_manager.signal_axes[0].axis
    middle = chain.strain.axes_manager.signal_axes[1].axis.mean()
    well = np.abs(y - middle) < 1.5
    barrier = (np.abs(y - middle) > 4.0) & (np.abs(y - middle) < 6.0)
    expected = strained_edges(1.0, -0.0131, 0.0098) - strained_edges(0.7, 0.0, 0.0)
    measured = edges.data[:6, well].mean(axis=1) - edges.data[:6, barrier].mean(axis=1)
    assert measured == pytest.approx(expected, abs=0.03)
    assert measured[0] > 0.15
    assert edges.data[6, well].mean() == pytest.approx(1.0, abs=0.03)
    assert edges.data[6, barrier].mean() == pytest.approx(0.7, abs=0.03)


def test_errors_are_those_of_the_profile(edges):
    """In the middle of the well the heavy holes rise by 9 eV per strain, of which x takes half."""
    error = np.sqrt(edges.metadata.Signal.Noise_properties.variance.data)
    assert np.isfinite(error).all() and (error > 0).all()
    inner = slice(len(error[0]) // 3, -len(error[0]) // 3)
    ratio = error[0, inner] / error[8, inner]
    assert ((ratio > 3.0) & (ratio < 30.0)).all()


def test_a_composition_of_another_source_has_its_own_error(chain, edges):
    composition = chain.strain.composition("SiGe", substrate=0.7)
    found = chain.strain.band_edges(composition=composition, substrate=0.7)
    assert found.data[:6] == pytest.approx(edges.data[:6], abs=1e-6)
    variance = found.metadata.Signal.Noise_properties.variance.data
    assert not np.allclose(variance[:6], edges.metadata.Signal.Noise_properties.variance.data[:6])
    with pytest.raises(ValueError, match="of the same pixels"):
        chain.strain.band_edges(composition=composition.isig[:100, :], substrate=0.7)


def test_plot(chain, edges):
    figure = chain.strain.plot_band_edges(edges)
    assert len(figure.axes) == 4
    assert [one.get_label() for one in figure.axes[1].lines] == list(EDGES[:2])


def test_absolute_strain_is_refused(chain):
    with pytest.raises(ValueError, match="before absolute"):
        chain.strain.absolute().band_edges(substrate=0.7)


def test_plot_with_the_edges_of_a_model(chain, edges):
    """Points lie at the places of the bins, whatever the line of the map starts from."""
    atoms = bulk("Ge", "diamond", a=5.658, cubic=True).repeat((2, 4, 2))
    model = ht.AtomicModel.from_ase(atoms)
    states = model.band_edges(bins=2)
    figure = chain.strain.plot_band_edges(edges, states)
    start = edges.metadata.Profile.start[1]
    for panel, row in ((figure.axes[0], 1), (figure.axes[1], 0)):
        (points,) = [one for one in panel.lines if one.get_marker() == "."]
        expected = states.axes_manager.signal_axes[0].axis - start
        assert points.get_xdata() == pytest.approx(expected, abs=1e-3)
        assert points.get_ydata() == pytest.approx(states.data[row])
    with pytest.raises(ValueError, match="not the direction of growth"):
        chain.strain.plot_band_edges(edges, model.band_edges(along="x", bins=2))
