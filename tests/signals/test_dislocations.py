from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest

import hyperspy_twin as ht
from hyperspy_twin.data.nanowire import relax_misfit

COLUMNS = ("x", "y", "b_x", "b_y", "burgers", "alternative", "error", "probability", "lattice")


def test_coherent_quantum_well_has_none(chain):
    found = chain.strain.dislocations(show_progressbar=False)
    assert found.columns == COLUMNS and len(found) == 0
    assert found.units["b_x"] == "nm"


def test_map_keeps_its_image_and_a_model_does_not(chain):
    image, _ = chain.indexed.image()
    kept = chain.strain._state("image")
    assert kept.dtype == np.float32
    np.testing.assert_allclose(kept, image, rtol=1e-6, atol=1e-3)
    assert chain.model._state("image") is None


def test_map_of_an_older_version_says_what_to_do(chain):
    older = chain.strain.deepcopy()
    del older.metadata.Twin.image
    with pytest.raises(ValueError, match=r"run fft\.gpa\(\) again"):
        older.dislocations(show_progressbar=False)


@pytest.fixture(scope="module")
def nanowire():
    segmented = ht.data.mismatched_nanowire().segment()
    found = segmented.find_peaks(show_progressbar=False)
    return found.index_phases(["InSb", "InP"], show_progressbar=False).gpa(show_progressbar=False)


def true_cores():
    array = relax_misfit().array
    x = np.add.outer(array.period * np.arange(-9, 10), array.cores).ravel() / 10 + 18.432
    return np.sort(x[np.abs(x - 18.432) < 14.0])


@pytest.mark.slow
def test_misfit_dislocations_of_the_nanowire(nanowire, tmp_path):
    found = nanowire.dislocations(show_progressbar=False)
    assert len(found) == 6
    order = np.argsort(found["x"])
    np.testing.assert_allclose(found["x"][order], true_cores(), atol=0.08)
    np.testing.assert_allclose(found["y"], 18.432, atol=0.15)
    np.testing.assert_allclose(found["burgers"], np.tile([0.5, -0.5, 0.0], (6, 1)))
    assert np.isnan(found["alternative"]).all()
    np.testing.assert_allclose(found["b_x"], 0.58697 / np.sqrt(2), rtol=1e-3)
    np.testing.assert_allclose(found["b_y"], 0.0, atol=1e-3)

    figure = nanowire.plot(dislocations=found)
    signs = [axis for axis in figure.axes if axis.images and axis.collections]
    assert len(signs) == 4

    nanowire.save(tmp_path / "strain.hspy")
    for lazy in (False, True):
        loaded = hs.load(tmp_path / "strain.hspy", lazy=lazy)
        again = loaded.isig[10.0:30.0, 5.0:].dislocations(show_progressbar=False)
        inside = (found["x"] > 10.0) & (found["x"] < 30.0)
        np.testing.assert_allclose(np.sort(again["x"]), np.sort(found["x"][inside]), atol=1e-6)
