"""Models of atoms: their errors, surfaces, amorphous regions and hydrogen."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest
from scipy.spatial import cKDTree

import hyperspy_twin as ht


def test_errors_of_positions_are_stored_with_the_atoms(chain, tmp_path):
    model = chain.model
    assert model.error.shape == (len(model.positions), 3)
    assert np.isnan(model.error[:, 2]).all()
    known = np.isfinite(model.error[:, 0])
    assert known.mean() > 0.95
    assert 1e-3 < np.median(model.error[known, :2]) < 2e-2
    model.save(tmp_path / "model.hspy")
    again = hs.load(tmp_path / "model.hspy").inav[100:200]
    np.testing.assert_array_equal(again.error, model.error[100:200])


def test_errors_grow_at_the_edge_of_the_image(chain):
    model = chain.model
    x = model.positions[:, 0] - model.positions[:, 0].min()
    width = x.max()
    edge, middle = (x < 2) | (x > width - 2), np.abs(x - width / 2) < 20
    assert np.nanmedian(model.error[edge, 0]) > 1.3 * np.nanmedian(model.error[middle, 0])


def test_what_has_no_noise_has_no_errors(chain):
    from dataclasses import replace

    strain = chain.strain.deepcopy()
    settings = replace(strain._settings, noise=None)
    filtered = strain._derive(type(strain), "test", {}, strain=settings)
    model = filtered.to_atoms(thickness=1.0)
    assert np.isnan(model.error).all()
    np.testing.assert_array_equal(model.positions, chain.strain.to_atoms(thickness=1.0).positions)


def test_lamella_has_free_surfaces(chain, tmp_path):
    lamella = chain.strain.to_atoms(thickness=1.0, surfaces=True)
    atoms = lamella.to_ase()
    assert not atoms.pbc.any()
    path = lamella.write(tmp_path / "lamella.vasp", vacuum=12.0)
    import ase.io

    cell = ase.io.read(path).cell
    assert cell[2, 2] == pytest.approx(np.ptp(lamella.positions[:, 2]) + 12.0, abs=1e-6)


def test_hydrogen_ends_missing_bonds(chain, caplog):
    model = chain.strain.to_atoms(thickness=1.0)
    lamella = chain.strain.to_atoms(thickness=1.0, surfaces=True)
    bulk, free = model.passivate(), lamella.passivate()
    count = len(model.positions)
    np.testing.assert_array_equal(free.data[:count], lamella.data)
    assert np.all(free.numbers[count:] == 1) and len(free.numbers) > len(bulk.numbers)
    assert set(free.region) == set(lamella.region)
    distance, nearest = cKDTree(lamella.positions).query(free.positions[count:])
    length = np.where(lamella.numbers[nearest] == 14, 1.48, 1.525)
    np.testing.assert_allclose(distance, length, atol=0.01)
    assert bulk.history[-1]["step"] == "passivate"
    assert np.isnan(free.error[count:]).all()


def test_amorphous_region_is_filled_on_request(chain):
    """The model without one of its crystals, whose region is filled with germanium glass."""
    lattices = tuple(one for one in chain.strain._state("lattices") if one.region != 1)
    strain = chain.strain._derive(ht.StrainMap, "test", {}, lattices=lattices)
    empty = strain.to_atoms(thickness=2.0)
    assert 1 not in empty.region
    filled = strain.to_atoms(thickness=2.0, amorphous={1: ("Ge", 5.1)})
    count = len(empty.positions)
    np.testing.assert_array_equal(filled.positions[:count], empty.positions)
    glass = filled.region == 1
    area = strain._outlines.bounds(1)
    volume = 1000 * (area[2] - area[0]) * (area[3] - area[1]) * filled.cell[2, 2] / 10
    assert glass.sum() / volume == pytest.approx(0.0423, rel=0.05)
    assert cKDTree(empty.positions).query(filled.positions[glass])[0].min() > 2.1
    again = strain.to_atoms(thickness=2.0, amorphous={1: ("Ge", 5.1)})
    np.testing.assert_array_equal(again.data, filled.data)


def test_substrate_of_a_strained_reference_by_name(chain):
    """The well is the reference. Its repeat along the beam is that of what it was grown on."""
    truth = chain.micrograph.truth
    (substrate,) = {truth.phases[one] for one in (1, 3)}
    well = np.bincount(chain.segmented.labels.data[truth.labels == 2]).argmax()
    strain = chain.indexed.gpa(reference=int(well))
    model = strain.to_atoms(thickness=2.0, along_beam=substrate)
    planes = np.unique(np.round(truth.positions[:, 2], 3))
    repeats = round(model.cell[2, 2] / 4)
    assert repeats == 5
    assert model.cell[2, 2] / repeats == pytest.approx(2 * np.diff(planes).mean(), rel=1e-4)
    assert model.history[-1]["parameters"]["along_beam"] == substrate
    # By its own symmetry it would be 1.1 % longer.
    alone = strain.to_atoms(thickness=2.0)
    assert alone.cell[2, 2] / model.cell[2, 2] == pytest.approx(1.0115, abs=5e-4)
    np.testing.assert_allclose(alone.positions[:, :2], model.positions[:, :2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thickness": 0.0}, "thickness must be"),
        ({"thickness": np.nan}, "thickness must be"),
        ({"amorphous": {99: ("SiO2", 2.2)}}, "no region 99"),
        ({"amorphous": {1: ("SiO2", 2.2)}}, "region 1 is a crystal"),
        ({"amorphous": {1: "SiO2"}}, "amorphous material"),
        ({"along_beam": "both"}, "along_beam is 'coherent', .* not 'both': no bundled structure"),
        ({"along_beam": "InQ"}, "name of a substrate, not 'InQ': .* Did you mean .*InP"),
        ({"along_beam": "missing.cif"}, "name of a substrate, not 'missing.cif'"),
        ({"along_beam": -4.0}, "along_beam must be a length"),
    ],
)
def test_wrong_input(chain, options, message):
    with pytest.raises(ValueError, match=message):
        chain.strain.to_atoms(**options)


def test_model_without_phases_is_refused(chain):
    strain = chain.found.gpa()
    with pytest.raises(ValueError, match="no region has an indexed phase"):
        strain.to_atoms()
