from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest

import hyperspy_twin as ht
from hyperspy_twin.data.nanowire import relax_misfit

SIZE, PIXEL, SPACING = 300, 0.05, 0.4
# By how many degrees the lattice of each grain is turned, and the centre of its dislocation in nm.
GRAINS = {1: (0.0, [8.2, 3.6]), 2: (30.0, [6.1, 11.3])}
COLUMNS = (
    "x",
    "y",
    "b_x",
    "b_y",
    "burgers",
    "alternative",
    "error",
    "probability",
    "lattice",
    "kind",
)


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


@pytest.mark.parametrize("method", ["dislocations", "planar_faults"])
def test_map_of_an_older_version_says_what_to_do(chain, method):
    older = chain.strain.deepcopy()
    del older.metadata.Twin.image
    with pytest.raises(ValueError, match=r"run fft\.gpa\(\) again"):
        getattr(older, method)(show_progressbar=False)


def burgers_of(degrees):
    return SPACING * np.array([np.cos(np.radians(degrees)), -np.sin(np.radians(degrees))])


@pytest.fixture(scope="module")
def grains():
    """Two grains of a square lattice, one turned by 30 degrees, each with a dislocation."""
    y, x = PIXEL * np.mgrid[:SIZE, :SIZE]
    labels = np.where(np.arange(SIZE)[:, None] < SIZE // 2, 1, 2) * np.ones(SIZE, int)
    image = np.zeros((SIZE, SIZE))
    for region, (angle, centre) in GRAINS.items():
        b = burgers_of(angle)
        turn = np.arctan2(y - centre[1], x - centre[0]) / (2 * np.pi)
        across = np.array([-b[1], b[0]])
        for n, m in ((1, 0), (0, 1), (1, 1), (1, -1)):
            g = (n * b + m * across) / SPACING**2
            # The displacement is b over the whole circuit.
            phase = g[0] * x + g[1] * y - (g @ b) * turn
            image += (labels == region) * np.cos(2 * np.pi * phase)
    image += np.random.default_rng(0).normal(scale=0.3, size=image.shape)
    micrograph = ht.Micrograph(image.astype(np.float32))
    micrograph.calibrate(PIXEL)
    return ht.SegmentedImage.from_labels(micrograph, labels).find_peaks(show_progressbar=False)


def test_each_block_is_searched_in_its_own_lattice(grains, tmp_path):
    strain = grains.gpa(reference="each")
    strain.save(tmp_path / "each.hspy")
    for one in (strain, hs.load(tmp_path / "each.hspy")):
        found = one.dislocations(show_progressbar=False)
        assert sorted(found["lattice"]) == [1, 2]
        for row in found:
            angle, centre = GRAINS[int(row["lattice"])]
            assert np.hypot(row["x"] - centre[0], row["y"] - centre[1]) < 0.15
            # Lattice vectors of a square lattice that is not indexed, in the lattice as measured.
            np.testing.assert_allclose([row["b_x"], row["b_y"]], burgers_of(angle), atol=0.01)
            assert row["kind"] == "perfect" and np.isnan(row["burgers"]).all()
    signs = [axis for axis in strain.plot(dislocations=found).axes if axis.images]
    assert all(len(axis.collections[-1].get_segments()) == 4 for axis in signs)
    assert len(strain.planar_faults(show_progressbar=False)) == 0


def test_one_reference_searches_its_own_block_only(grains):
    for reference in (1, 2):
        found = grains.gpa(reference=reference).dislocations(show_progressbar=False)
        assert found["lattice"].tolist() == [reference]


@pytest.fixture(scope="module")
def nanowire():
    segmented = ht.data.mismatched_nanowire(shape=(512, 1024)).segment()
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
    np.testing.assert_allclose(found["y"], 9.216, atol=0.15)
    np.testing.assert_allclose(found["burgers"], np.tile([0.5, -0.5, 0.0], (6, 1)))
    assert np.isnan(found["alternative"]).all()
    np.testing.assert_allclose(found["b_x"], 0.58697 / np.sqrt(2), rtol=1e-3)
    np.testing.assert_allclose(found["b_y"], 0.0, atol=1e-3)
    assert (found["kind"] == "perfect").all()

    figure = nanowire.plot(dislocations=found)
    signs = [axis for axis in figure.axes if axis.images and axis.collections]
    assert len(signs) == 4

    nanowire.save(tmp_path / "strain.hspy")
    for lazy in (False, True):
        loaded = hs.load(tmp_path / "strain.hspy", lazy=lazy)
        again = loaded.isig[10.0:30.0, 5.0:].dislocations(show_progressbar=False)
        inside = (found["x"] > 10.0) & (found["x"] < 30.0)
        np.testing.assert_allclose(np.sort(again["x"]), np.sort(found["x"][inside]), atol=1e-6)
