"""The chain on files of real instruments, whose answers are known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import hyperspy_twin as ht

# Twelve common crystals; the right one is added where it is not among them.
TWELVE = ["Si", "Ge", "InP", "InSb", "Au", "Cu", "Fe", "TiO2", "SrTiO3", "GaN", "InAs-wurtzite"]
TWELVE += ["MgO"]


@cache
def found_in(path, crop=None):
    """Spots of a file, found once for all tests; crop as (x, y) slices."""
    loaded = ht.load(path)
    signals = loaded if isinstance(loaded, list) else [loaded]
    image = next(signal for signal in signals if isinstance(signal, ht.Micrograph))
    if crop is not None:
        image = image.isig[slice(*crop[0]), slice(*crop[1])]
    return image.segment().find_peaks(show_progressbar=False)


def indexed(path):
    return found_in(path).index_phases(TWELVE)


def of_elements(path, elements, crop=None):
    """Indexed by all bundled structures of these elements."""
    found = found_in(path, crop).deepcopy()
    found.metadata.set_item("Sample.elements", elements)
    return found.index_phases()


def family(zone_axis):
    return sorted(map(abs, zone_axis))


KNOWN = [
    ("STO_ADF.hspy", ["Sr", "Ti", "O"], "SrTiO3", [0, 1, 1], 1.001),
    ("16_STOimage_1.ser", ["Sr", "Ti", "O"], "SrTiO3", [0, 0, 1], 0.966),
    ("example_Se_implanted_MoS2.dm3", ["Mo", "S", "Se"], "MoS2", [0, 0, 1], 1.055),
    ("PTO_junction_filtered_HAADF.hspy", ["Pb", "Sr", "Ti", "O"], "PbTiO3", [0, 0, 1], 0.990),
]


@pytest.mark.parametrize("restricted", [True, False], ids=["by elements", "twelve others"])
@pytest.mark.parametrize(("name", "elements", "phase", "zone", "scale"), KNOWN)
def test_phase_and_zone_axis(shared_file, name, elements, phase, zone, scale, restricted):
    path = shared_file(f"data/{name}")
    if restricted:
        result = of_elements(path, elements)
    else:
        result = found_in(path).index_phases(list(dict.fromkeys([*TWELVE, phase])))
    lattices = [r for r in result.phases if result.crystallinity[r.region] == "single crystal"]
    assert lattices
    for record in lattices:
        assert record.phase == phase
        assert family(record.zone_axis) == zone
        assert record.scale == pytest.approx(scale, rel=0.01)
        if phase == "SrTiO3":
            assert record.ties == ()


def test_silicon_without_a_pixel_size(shared_file):
    path = shared_file("data/Si110_5nmX25us_03_none_none.png")
    for result in (indexed(path), of_elements(path, ["Si"])):
        (record,) = result.phases
        assert record.phase == "Si" and family(record.zone_axis) == [0, 1, 1]
        assert record.scale == pytest.approx(0.00894, rel=0.01)
    # Silicon and germanium differ in scale only.
    (record,) = indexed(path).phases
    assert "Ge" in record.ties
    assert "without a pixel size" in record.reason


def test_two_grains_of_graphene(shared_file):
    """Graphite and diamond have the same net, but seldom lie as flat as a sheet does."""
    path = shared_file("data/graphene_defect_raw.dm3")
    result = of_elements(path, ["C"])
    grains = [record for record in result.phases if record.phase is not None]
    assert len(grains) == 2
    for record in grains:
        assert record.phase == "graphene" and record.zone_axis == (0, 0, 1)
    grains = [record for record in result.phases if record.phase == "graphene"]
    # The scan is stretched by 2 %.
    assert np.mean(result.calibration.pixel_size) == pytest.approx(0.01084, rel=0.01)
    turns = [np.arctan2(*record.orientation[1::-1, 0]) for record in grains]
    between = np.rad2deg(turns[0] - turns[1]) % 60
    assert min(between, 60 - between) == pytest.approx(29.7, abs=0.7)


def test_half_of_a_twinned_gold_particle(shared_file):
    path = shared_file("data/example_Au_nanoparticle.emd")
    result = of_elements(path, ["Au"], crop=((1308, 1500), (832, 1024)))
    (record,) = [record for record in result.phases if record.phase is not None]
    assert record.phase == "Au" and family(record.zone_axis) == [0, 1, 1]
    assert record.scale == pytest.approx(1.08, abs=0.015)


@pytest.mark.slow
def test_twinned_gold_particle(shared_file):
    result = of_elements(shared_file("data/example_Au_nanoparticle.emd"), ["Au"])
    (record,) = [record for record in result.phases if record.phase is not None]
    assert record.phase == "Au" and family(record.zone_axis) == [0, 1, 1]
    assert record.twin_law.name == "Σ3 {111} twin"
    (twin,) = record.further
    assert twin.phase == "Au" and twin.twin_law == record.twin_law
    assert result.epitaxy()["misorientation"] == pytest.approx(60, abs=0.5)


def test_negative_control_has_no_phase(shared_file):
    result = indexed(shared_file("data/multi_signal_no_lattice.dm3"))
    assert len(result.peaks()) == 0
    assert all(record.phase is None for record in result.phases)


def test_strain_of_an_image_that_is_not_square(shared_file):
    found = found_in(shared_file("data/Cropped_PTO-SRO_Aligned.hspy"))
    strain = found.index_phases(["PbTiO3", "SrRuO3", "SrTiO3"]).gpa()
    assert strain.e_xx.data.shape == (224, 1312)
    valid = np.isfinite(strain.e_yy.data)
    assert valid.mean() > 0.8
    # The growth axis changes by 1.7 % between the layers (spots at 1.80 and 1.83 A); the plane does
    # not. Where the lower one has less than three atomic rows it has no strain, and where it has
    # three the errors are nearly 1 %.
    both = valid[175:205].all(axis=0)
    assert 200 < np.count_nonzero(both) < 1000
    profile = np.median(strain.e_yy.data[:, both], axis=1)
    step = np.median(profile[60:110]) - np.median(profile[175:205])
    error = np.median(strain.sigma_yy.data[175:205][:, both])
    assert 0.003 < error < 0.01
    assert abs(step + 0.0167) < 2.5 * error
    plane = np.median(strain.e_xx.data[:, both], axis=1)
    assert abs(np.median(plane[60:110]) - np.median(plane[175:205])) < 0.005


def test_tetragonal_domains(shared_file):
    found = found_in(shared_file("data/PTO_junction_filtered_HAADF.hspy"))
    found = found.index_phases(["PbTiO3", "SrTiO3"])
    strain = found.gpa()
    ratio = (1 + strain.e_xx.data) / (1 + strain.e_yy.data)
    ratio = ratio[np.isfinite(ratio)]
    middle = np.percentile(ratio, [5, 95]).mean()
    # The long axis lies along y in one domain and along x in the other: c/a = 1.063 twice.
    low, high = np.median(ratio[ratio < middle]), np.median(ratio[ratio > middle])
    assert np.sqrt(high / low) == pytest.approx(1.064, abs=0.003)


@pytest.mark.parametrize("name", ["STO_ADF.hspy", "16_STOimage_1.ser"])
def test_atoms_stand_on_their_columns(shared_file, name):
    """Strontium columns are the brightest of SrTiO3 in a dark-field image, oxygen the darkest."""
    image = ht.load(shared_file(f"data/{name}"))
    strain = image.segment().find_peaks(show_progressbar=False).index_phases(TWELVE).gpa()
    model = strain.to_atoms(thickness=1.0)
    if name == "STO_ADF.hspy":
        check = model.strain_check(strain)
        assert check["atoms"][0] > 0.8 * len(model.data)
        assert max(check[one][0] for one in ("e_xx", "e_yy", "e_xy")) < 1e-3
        bonds = model.bond_lengths()
        assert bonds["bond"].tolist() == ["Sr-O", "Ti-O"]
        np.testing.assert_allclose(bonds["mean"], [3.905 / 2**0.5, 3.905 / 2], rtol=0.01)
    x, y = image.axes_manager.signal_axes
    column = np.rint((model.positions[:, 0] / 10 - x.offset) / x.scale).astype(int)
    row = np.rint((model.positions[:, 1] / 10 - y.offset) / y.scale).astype(int)
    inside = (row > 20) & (row < y.size - 20) & (column > 20) & (column < x.size - 20)
    brightness = image.data[row[inside], column[inside]] - np.percentile(image.data, 1)
    strontium, titanium, oxygen = (
        brightness[model.numbers[inside] == number] for number in (38, 22, 8)
    )
    assert np.median(strontium) > 1.3 * np.median(titanium)
    # A third of the oxygen shares the titanium columns along [001].
    assert np.percentile(oxygen, 30) < 0.7 * np.median(titanium)


@pytest.mark.parametrize(
    ("name", "coarse"),
    [
        ("SAG_nanowire_304px.png", False),
        ("etspy_needle_HAADF_proj00.hspy", True),
        ("JEOL_HAADF_CoS2_particles.dm4", True),
        ("multi_signal_no_lattice.dm3", False),
    ],
)
def test_what_shows_no_fringes_is_not_called_amorphous(shared_file, name, coarse):
    found = found_in(shared_file(f"data/{name}"))
    judged = [one for one in found._spectra.values() if one.crystallinity.probability]
    assert judged
    for one in judged:
        assert one.crystallinity.name in ("no lattice seen", "vacuum")
        assert ("do not resolve lattice planes" in one.crystallinity.reason) == coarse
