"""Files that older versions saved open, say the same, and go on.

The files hold what the version without a number of the state (version 1) saved of the sample
``sige_quantum_well(shape=(128, 120), well_thickness=1.5)``, divided into an upper and a lower half;
``found_version_2`` what version 2 saved of a smaller one with counted noise in its upper half.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest

import hyperspy_twin as ht

STORED = Path(__file__).parent / "stored"


@pytest.fixture
def stored(tmp_path):
    """Loader of a stored example, from a copy that can be overwritten."""

    def load(name, **options):
        shutil.copy(STORED / f"{name}.hspy", tmp_path)
        return hs.load(tmp_path / f"{name}.hspy", **options)

    return load


def test_micrograph(stored):
    image = stored("micrograph")
    assert type(image) is ht.Micrograph
    assert image.calibration.pixel_size == (0.036, 0.036)
    assert image.calibration.source == "the sample sige_quantum_well"
    assert image.truth.labels.shape == (128, 120)


@pytest.mark.parametrize("lazy", [False, True])
def test_segmented_image(stored, lazy):
    segmented = stored("segmented", lazy=lazy)
    expected = np.repeat([1, 2], 64)[:, None] * np.ones((1, 120))
    np.testing.assert_array_equal(segmented.labels.data, expected)
    assert segmented.merge_regions([1, 2]).history[-1]["step"] == "merge_regions"


def test_stack(stored):
    stack = stored("segmented_stack")
    assert stack.labels.data.shape == (2, 64, 64)
    np.testing.assert_array_equal(stack.inav[1].labels.data, stack.labels.inav[1].data)


def test_peaks(stored):
    found = stored("found")
    assert found.crystallinity == {1: "single crystal", 2: "single crystal"}
    peaks = found.peaks(1)
    assert len(found.peaks()) == 34 and len(peaks) == 17
    assert (peaks["x"][0], peaks["y"][0]) == pytest.approx((2.53334606, 1.78031233), rel=1e-8)
    assert not found.phases
    assert found.index_phases(["Ge"]).phases[2].phase == "Ge"


def test_region_without_peaks_of_version_2_shows_no_lattice(stored, tmp_path):
    indexed = stored("found_version_2")
    assert indexed.metadata.Twin.schema == 2
    assert indexed.crystallinity == {1: "no lattice seen", 2: "single crystal"}
    assert indexed.regions["probability"][0] > 0.9
    assert indexed.phases[1].reason == "no lattice seen: no peak stands out from the noise"
    assert indexed.phases[2].phase == "Si"
    assert indexed.metadata.Twin.schema == 4
    indexed.save(tmp_path / "again.hspy")
    assert hs.load(tmp_path / "again.hspy").crystallinity == indexed.crystallinity


def test_phases(stored):
    indexed = stored("indexed")
    record = indexed.phases[1]
    assert (record.region, record.phase, record.zone_axis) == (1, "Ge", (1, 1, 0))
    assert record.score == 53.18716648145385
    assert record.probability == 0.975511962189055
    assert record.scale == 1.010149969838072
    assert record.residual == 0.0013740734896135363
    assert [match.phase for match in record.ranking] == ["Ge", "Si"]
    assert record.hkl[:3].tolist() == [[1, -1, -1], [1, -1, 1], [2, -2, 0]]
    assert indexed.peaks(1)["h"][0] == 1
    assert indexed.accept_phase(1, "Si").phases[1].phase == "Si"
    assert indexed.apply_calibration().calibration.scale == pytest.approx(1, abs=1e-4)
    kept = stored("strain")
    # The rim of the windows has changed twice since: in a region of 2.3 nm it moves the reference
    # by as much as the noise does.
    np.testing.assert_allclose(indexed.gpa(vectors=kept.g).g, kept.g, atol=6e-3)


def test_strain(stored):
    strain = stored("strain")
    assert strain.reference == 2 and strain.definition == "lagrangian"
    assert strain.resolution == 0.48453369665347873
    assert len(strain.to_atoms(thickness=1.0).data) > 500
    assert strain.data.shape[0] == 7
    np.testing.assert_array_equal(strain.sigma.data, strain.data[6])
    assert "sigma_xx" not in strain.regions.columns and len(strain.regions) == 2
    with pytest.raises(ValueError, match="older version made this map, without .* 'sigma_xy'"):
        _ = strain.sigma_xy
    plt.close(strain.plot())


def test_strain_without_a_pixel_size_still_says_so(stored):
    with pytest.raises(ValueError, match="pixel size is missing"):
        stored("strain_without_pixel_size").to_atoms()


def test_model(stored):
    model = stored("model")
    assert model.formula == "Ge500"
    assert model.to_ase().pbc.tolist() == [False, False, True]


@pytest.mark.parametrize("path", sorted(STORED.glob("*.hspy")), ids=lambda path: path.stem)
def test_opened_saved_and_opened_again(path, stored, tmp_path):
    signal = stored(path.stem)
    signal._state("outlines")
    signal.save(tmp_path / "again.hspy")
    again = hs.load(tmp_path / "again.hspy")
    assert type(again) is type(signal)
    assert again.history == signal.history
    assert again.metadata.Twin.schema == 4
