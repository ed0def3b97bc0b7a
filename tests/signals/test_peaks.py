"""Spots, states and rings of regions, and their correction by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import hyperspy_twin as ht
from hyperspy_twin.core import Peaks
from hyperspy_twin.signals._tables import peaks_table


def test_table_of_spots(chain):
    peaks = chain.found.peaks(2)
    assert set(peaks.columns) >= {"x", "y", "error_x", "probability", "width", "lattice"}
    assert (peaks["probability"] > 0.5).all()
    assert (peaks["lattice"] == 1).all()
    doubled = np.hypot(peaks["x"] - 5.065, peaks["y"]) < 0.05
    assert doubled.sum() == 1
    assert peaks["harmonic"].any()


def test_every_spot_says_which_crystal_explains_it():
    peaks = [
        Peaks(np.ones((count, 2)), np.ones((count, 2)), np.ones(count), region=region)
        for region, count in ((1, 3), (2, 1))
    ]
    second = SimpleNamespace(
        region=1,
        hkl=np.array([[2, 2, 0], [1, 1, 0], [0, 0, 0]]),
        forbidden=np.ones(3, bool),
        laue_zone=np.ones(3, int),
    )
    first = SimpleNamespace(
        region=1,
        hkl=np.array([[1, 0, 0], [0, 0, 0], [0, 0, 0]]),
        forbidden=np.zeros(3, bool),
        laue_zone=np.zeros(3, int),
    )
    found = peaks_table(peaks, {1: SimpleNamespace(crystals=(first, second))}, "nm")
    assert np.stack([found[name] for name in "hkl"], axis=1).tolist() == [
        [1, 0, 0],
        [1, 1, 0],
        [0, 0, 0],
        [0, 0, 0],
    ]
    assert found["crystal"].tolist() == [1, 2, 0, 0]
    assert found["forbidden"].tolist() == [False, True, False, False]
    assert found["laue_zone"].tolist() == [0, 1, 0, 0]


def test_phases_print_as_a_table(chain):
    phases = chain.indexed.phases
    lines = repr(phases).splitlines()
    assert lines[0].split()[:3] == ["region", "phase", "tie"]
    assert len(lines) == 1 + len(phases)
    assert all("Ge [110]" in line for line in lines[1:])
    assert "<td>Ge [110]</td>" in phases._repr_html_()
    assert repr(chain.found.phases) == "()"


def test_table_of_regions(chain):
    regions = chain.found.regions
    assert regions["region"].tolist() == [1, 2, 3]
    assert regions["crystallinity"].tolist() == list(chain.found.crystallinity.values())
    assert (regions["probability"] > 0.9).all()
    assert (regions["lattices"] == 1).all()
    assert (regions["peaks"] == [len(chain.found.peaks(region)) for region in (1, 2, 3)]).all()


def test_halo_of_a_film():
    rng = np.random.default_rng(4)
    size, pixel, radius = 400, 0.03, 3.2
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(size, pixel)] * 2))
    halo = np.exp(-((frequency - radius) ** 2) / (2 * 0.4**2))
    film = np.fft.ifft2(np.fft.fft2(rng.normal(size=(size, size))) * (0.3 + halo)).real
    image = ht.Micrograph(film)
    image.calibrate(pixel)
    everywhere = ht.SegmentedImage.from_labels(image, np.ones(film.shape, int))
    found = everywhere.find_peaks(show_progressbar=False)
    (region,) = found.regions
    assert region["crystallinity"] == "amorphous"
    assert region["halo_radius"] == pytest.approx(radius, abs=4 * region["halo_error"])
    assert region["halo_error"] < 0.1
    assert found.rings(1)["radius"][0] == pytest.approx(radius, abs=0.15)


def test_a_spot_is_removed_and_found_again(chain):
    spot = chain.found.peaks(1)[3]
    fewer = chain.found.edit_peaks(1, remove=[(spot["x"], spot["y"])])
    assert len(fewer.peaks(1)) == len(chain.found.peaks(1)) - 1
    assert len(fewer.peaks(2)) == len(chain.found.peaks(2))
    again = fewer.edit_peaks(1, add=[(-spot["x"] + 0.03, -spot["y"])])
    added = again.peaks(1)[again.peaks(1)["probability"] == 1]
    assert len(added) == 1
    assert added["x"][0] == pytest.approx(spot["x"], abs=5 * spot["error_x"])
    assert added["y"][0] == pytest.approx(spot["y"], abs=5 * spot["error_y"])
    assert again.history[-1]["step"] == "edit_peaks"


def test_correction_drops_the_phases(chain):
    spot = chain.indexed.peaks(1)[0]
    edited = chain.indexed.edit_peaks(1, remove=[(spot["x"], spot["y"])])
    assert not edited.phases and len(edited.phases) == 0
    assert chain.indexed.phases


def test_removing_all_spots_changes_the_state(chain):
    spots = chain.found.peaks(3)
    empty = chain.found.edit_peaks(3, remove=np.stack([spots["x"], spots["y"]], axis=1))
    assert len(empty.peaks(3)) == 0
    assert "crystal" not in empty.crystallinity[3]
    assert empty.crystallinity[1] == chain.found.crystallinity[1]


def test_what_is_not_there_cannot_be_edited(chain):
    with pytest.raises(ValueError, match="no peak within"):
        chain.found.edit_peaks(1, remove=[(1.0, 1.0)])
    spot = chain.found.peaks(1)[0]
    with pytest.raises(ValueError, match="already"):
        chain.found.edit_peaks(1, add=[(spot["x"], spot["y"])])
    with pytest.raises(ValueError, match="there is no region 9"):
        chain.found.edit_peaks(9)


def test_spots_survive_a_file(chain, tmp_path):
    import hyperspy.api as hs

    chain.found.save(tmp_path / "spots.hspy")
    loaded = hs.load(tmp_path / "spots.hspy")
    np.testing.assert_array_equal(loaded.peaks(), chain.found.peaks())
    np.testing.assert_array_equal(
        loaded.regions["crystallinity"], chain.found.regions["crystallinity"]
    )
    np.testing.assert_array_equal(loaded.rings(1), chain.found.rings(1))


@pytest.mark.parametrize("method", ["gaussian", "profile"])
def test_each_detector_alone(chain, method):
    alone = chain.segmented.find_peaks(method, show_progressbar=False)
    assert len(alone.peaks(2)) >= 10
    assert alone.history[-1]["outcome"] == {"detectors": [method]}


def test_unknown_method(chain):
    with pytest.raises(ValueError, match="no method 'fourier'"):
        chain.segmented.find_peaks("fourier", show_progressbar=False)


def test_region_spectra_show_the_fringes(chain):
    spectra = chain.found.region_spectra()
    assert spectra._lazy
    assert spectra.axes_manager[0].name == "region"
    spot = chain.found.peaks(2)[0]
    x, y = (slice(spot[name] - 0.2, spot[name] + 0.2) for name in "xy")
    plane = spectra.inav[1].isig[x, y]
    assert float(plane.data.max()) == pytest.approx(np.sqrt(spot["intensity"]), rel=0.3)


def test_regions_are_navigated_with_their_spots(chain):
    import matplotlib.pyplot as plt

    chain.found.plot()
    shown = plt.gcf()
    assert shown.axes
    plt.close("all")
