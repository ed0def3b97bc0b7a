"""Electronic states of models: none in a clean gap, and one where a distortion is planted."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

import hyperspy_twin as ht

# eV: germanium's gap runs from 0.68 to 1.42 where silicon's valence band ends at 0.
MIDGAP = 1.05


def germanium(repeats, distortion=0.0, radius=8.0):
    """Crystal, whose atoms a column along the beam in its middle moves along x, in Å."""
    atoms = bulk("Ge", "diamond", 5.658, cubic=True).repeat(repeats)
    middle = np.diag(atoms.cell.array)[:2] / 2
    distance = np.hypot(*(atoms.positions[:, :2] - middle).T)
    atoms.positions[:, 0] += distortion * np.exp(-((distance / radius) ** 2))
    return ht.AtomicModel.from_ase(atoms), middle / 10


@pytest.mark.parametrize("repeats", [(2, 2, 2), (4, 4, 2)], ids=["inverted", "filtered"])
def test_a_clean_crystal_has_no_state_at_midgap(repeats):
    model, _ = germanium(repeats)
    found = model.states(near=MIDGAP, count=4, within=0.15)
    assert len(found) == 0 and found.energies.shape == (0,)
    assert "no state lies within 0.15 eV of 1.05 eV" in repr(found)
    with pytest.raises(ValueError, match="no state lies within"):
        found.map()


def test_both_methods_find_the_same_states(monkeypatch):
    """Folded bands of 64 atoms: the edge of the valence band, six states at one energy."""
    from hyperspy_twin.properties.states import model_states

    model, _ = germanium((2, 2, 2))
    one = model.states(near=0.75, count=4, within=0.12)
    monkeypatch.setattr(model_states, "LARGEST_INVERTED", 0)
    other = model.states(near=0.75, count=4, within=0.12)
    assert one.energies == pytest.approx(0.68, abs=1e-3)
    assert other.energies == pytest.approx(one.energies, abs=1e-3)
    assert (other.residuals < 0.005).all()
    assert other.density.sum(axis=1) == pytest.approx(1.0, abs=1e-4)
    # A crystal's state spreads over all atoms alike, or over half of them in a standing wave.
    assert (other.participation > 30).all()


def test_energies_outside_of_the_spectrum_name_its_range():
    model, _ = germanium((2, 2, 2))
    with pytest.raises(ValueError, match="spectrum, which runs from"):
        model.states(near=60.0)
    with pytest.raises(ValueError, match="within is an energy above zero"):
        model.states(near=MIDGAP, within=-1.0)


@pytest.fixture(scope="module")
def distorted():
    """A column of atoms moved by 1.5 Å, twice along the beam: two pairs of states at 1.1 eV."""
    model, middle = germanium((8, 8, 2), distortion=1.5)
    return model, middle, model.states(near=MIDGAP, count=4, within=0.15)


def test_a_distortion_holds_pairs_of_states_in_the_gap(distorted):
    _, middle, found = distorted
    assert len(found) == 4
    first, second = np.sort(found.energies).reshape(2, 2)
    assert first[0] == pytest.approx(first[1], abs=1e-4)
    assert second[0] == pytest.approx(second[1], abs=1e-4)
    assert (np.abs(found.energies - 1.1) < 0.05).all()
    assert (found.residuals < 0.005).all()
    # A circle of 1.2 nm is a fifth of the model.
    assert (found.part_within(*middle, 1.2) > 0.5).all()
    assert (found.part_within(*middle, 3.0) > 0.95).all()
    assert (found.participation < 150).all()
    assert found.centre == pytest.approx(np.array([middle] * 4), abs=0.8)
    assert found.density.sum(axis=1) == pytest.approx(1.0, abs=1e-4)


def test_maps_and_figures_show_where_it_sits(distorted):
    model, middle, found = distorted
    maps = found.map()
    x, y = maps.axes_manager.signal_axes
    assert maps.data.sum(axis=(1, 2)) * x.scale * y.scale == pytest.approx(1.0, abs=0.01)
    row, column = np.unravel_index(np.argmax(maps.data[0]), maps.data[0].shape)
    assert np.hypot(x.axis[column] - middle[0], y.axis[row] - middle[1]) < 0.8
    like = maps.inav[0].isig[10:, 5:]
    assert found.map(like).data.shape == (4, *like.data.shape)
    assert found.map(like).data[0] == pytest.approx(like.data, abs=float(0.02 * like.data.max()))
    figure = found.plot(1, like)
    assert "eV, spread over" in figure.axes[0].get_title()
    assert list(found.table["energy"]) == list(found.energies)


def test_states_at_the_ends_of_a_model_say_so():
    """Shifted hybrids are at 32 eV, and the states at 33 eV are those of the crystal."""
    atoms = bulk("Ge", "diamond", 5.658, cubic=True).repeat((3, 3, 2))
    atoms.pbc = (True, False, True)
    model = ht.AtomicModel.from_ase(atoms)
    shifted, own = (model.states(near=near, count=2, within=0.1) for near in (32.0, 33.0))
    assert (shifted.at_ends > 0.8).all() and (own.at_ends < 0.1).all()
    assert list(shifted.table["at_ends"]) == list(shifted.at_ends)
    assert (germanium((2, 2, 2))[0].states(near=0.75, count=2, within=0.12).at_ends == 0).all()


@pytest.mark.slow
def test_the_state_of_a_distortion_in_a_large_model():
    """Three thousand atoms, of which a circle of 2 nm holds a fifth."""
    model, middle = germanium((14, 14, 2), distortion=1.5)
    found = model.states(near=1.13, count=4)
    assert len(found) > 1 and (found.residuals < 0.005).all()
    assert (found.part_within(*middle, 2.0) > 0.5).all()
