"""Bragg-filtered images as signals: names, axes, history, and what cannot be filtered."""

from __future__ import annotations

import json

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest

import hyperspy_twin as ht
from hyperspy_twin.signals._bragg import _doubts
from hyperspy_twin.spectra import spectrum
from hyperspy_twin.strain import FilterGroup, local_amplitude

HALF = 130  # column at which the crystals meet


@pytest.fixture(scope="module")
def pair():
    """Spectrum of two grains that are turned against each other by 20 degrees."""
    shape, period = (200, 260), 8.0
    y, x = np.mgrid[: shape[0], : shape[1]]
    images = []
    for angle in (0.0, np.deg2rad(20)):
        a, b = np.cos(angle) / period, np.sin(angle) / period
        images.append(np.cos(2 * np.pi * (a * x + b * y)) + np.cos(2 * np.pi * (a * y - b * x)))
    image = 200 + 20 * np.where(x < HALF, *images)
    image = np.random.default_rng(0).poisson(image).astype(float)
    micrograph = ht.Micrograph(image)
    micrograph.metadata.General.title = "two grains"
    labels = np.where(x < HALF, 1, 2)
    return ht.SegmentedImage.from_labels(micrograph, labels).find_peaks(show_progressbar=False)


def groups(signal):
    return list(signal.metadata.Bragg_filter.groups)


def test_two_grains_come_apart_without_phases(pair):
    found = pair.bragg_filter("grain", output="amplitude")
    assert groups(found) == ["region 1", "region 2"]
    assert found.axes_manager.navigation_axes[0].name == "grain"
    assert found.data.dtype == np.float32
    left, right = found.data
    inner, outer = (slice(20, -20), slice(10, 90)), (slice(20, -20), slice(170, -10))
    for own, inside, outside in ((left, inner, outer), (right, outer, inner)):
        assert own[inside].mean() == pytest.approx(20 * np.sqrt(2), rel=0.06)
        assert own[outside].mean() < 0.2 * own[inside].mean()


def test_the_image_is_on_the_axes_of_the_image(chain):
    found = chain.indexed.bragg_filter()
    image = chain.micrograph
    for own, given in zip(
        found.axes_manager.signal_axes, image.axes_manager.signal_axes, strict=True
    ):
        assert (own.scale, own.offset, own.units) == (given.scale, given.offset, given.units)
    assert found.metadata.General.title.endswith(image.metadata.General.title)
    assert not found._lazy
    filtered = found.data[0][40:-40, 40:-40]
    raw = np.asarray(image.data, float)[40:-40, 40:-40]
    assert np.corrcoef(filtered.ravel(), raw.ravel())[0, 1] > 0.5
    amplitude = chain.indexed.bragg_filter(output="amplitude")
    resolution = found.metadata.Bragg_filter.resolution
    expected = local_amplitude(found.data[0], chain.indexed._image_grid, resolution=resolution)
    np.testing.assert_allclose(amplitude.data[0], expected, rtol=1e-5)


def test_families_and_single_reflections(chain):
    families = chain.indexed.bragg_filter("family")
    assert any("{111}" in name for name in groups(families))
    hkl = chain.indexed.phases[2].hkl
    one, other = (tuple(map(int, row)) for row in hkl[hkl.any(axis=1)][:2])
    found = chain.indexed.bragg_filter([one, tuple(-value for value in other)])
    assert len(found.data) == 2
    assert found.axes_manager.navigation_axes[0].name == "reflection"
    assert len(chain.indexed.bragg_filter(one).data) == 1


def test_history_metadata_and_file(chain, tmp_path):
    found = chain.indexed.bragg_filter("grain", resolution=0.6)
    found.save(tmp_path / "filtered.hspy")
    again = hs.load(tmp_path / "filtered.hspy")
    assert groups(again) == groups(found)
    step = json.loads(again.metadata.Twin.history[-1])
    assert step["step"] == "bragg_filter"
    assert step["parameters"] == {"by": "grain", "output": "image", "resolution": 0.6}
    assert step["outcome"]["resolution"] == again.metadata.Bragg_filter.resolution == 0.6
    assert not again.metadata.has_item("Twin.outlines")
    np.testing.assert_array_equal(again.data, found.data)


def test_a_lazy_spectrum_gives_the_same(pair):
    lazy = pair.as_lazy()
    np.testing.assert_array_equal(lazy.bragg_filter("grain").data, pair.bragg_filter("grain").data)


def test_groups_that_are_not_told_apart_are_said(pair, caplog):
    pair.bragg_filter("grain")
    assert not caplog.text
    mixed = FilterGroup(("Si",), np.ones((2, 2)), 0, True)
    joined = FilterGroup(("Ge", "GaAs"), np.ones((2, 2)), 0, False)
    first, second = _doubts([mixed, joined], "phase")
    assert first.startswith("all reflections of Si are those of other groups too")
    assert "Ge, GaAs" in second
    assert len(_doubts([mixed, joined], "grain")) == 1


def test_what_cannot_be_filtered_says_why(pair, chain):
    for by in ("phase", "family", (1, 1, 1)):
        with pytest.raises(ValueError, match="index_phases"):
            pair.bragg_filter(by)
    with pytest.raises(ValueError, match="'phase', 'family', 'grain' or Miller"):
        chain.indexed.bragg_filter("layer")
    with pytest.raises(ValueError, match=r"no crystal shows \(9 9 7\)|no crystal shows \(997\)"):
        chain.indexed.bragg_filter((9, 9, 7))
    for by in ((1, 1), (1.5, 0, 0), (0, 0, 0), ()):
        with pytest.raises(ValueError, match="whole numbers"):
            chain.indexed.bragg_filter(by)
    with pytest.raises(ValueError, match="'image' or 'amplitude'"):
        chain.indexed.bragg_filter(output="phase")
    with pytest.raises(ValueError, match="positive length"):
        chain.indexed.bragg_filter(resolution=0.0)
    with pytest.raises(ValueError, match="cropped"):
        chain.indexed.isig[10:-10, :].bragg_filter()


def test_colours_over_the_image(pair):
    figure = pair.plot_bragg_filter("grain")
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["region 1", "region 2"]
    grey, colours = figure.axes[0].images
    assert grey.get_array().shape == (200, 260)
    rgba = np.asarray(colours.get_array())
    left, right = rgba[100, 50], rgba[100, 210]
    assert left[3] > 0.4
    assert right[3] > 0.4
    assert np.abs(left[:3] - right[:3]).max() > 0.3
    plt.close("all")


def test_errors_of_a_filtered_image_are_not_known(chain, caplog):
    filtered = chain.indexed.bragg_filter().data[0]
    spectrum_of = spectrum(filtered)
    indexed = chain.indexed._derive(type(chain.indexed), "replace", {}, data=spectrum_of)
    strain = indexed.gpa(reference=chain.strain.reference)
    assert "no measurable noise" in caplog.text
    assert "no measurable noise" in strain.history[-1]["outcome"]["noise"]
    for name in ("sigma_xx", "sigma_yy", "sigma_xy", "sigma_rotation", "sigma"):
        assert np.isnan(getattr(strain, name).data).all()
    assert np.isnan(strain.regions["sigma"]).all()
    both = np.isfinite(strain.e_yy.data) & np.isfinite(chain.strain.e_yy.data)
    assert both.mean() > 0.8
    inner = both[60:-60, 60:-60]
    difference = (strain.e_yy.data - chain.strain.e_yy.data)[60:-60, 60:-60][inner]
    assert np.abs(np.median(difference)) < 2e-3
    assert "standard errors are not known" in strain.plot().get_suptitle()
    plt.close("all")


def test_errors_of_a_raw_image_are_known(chain, caplog):
    assert np.isfinite(chain.strain.sigma_xx.data).any()
    assert "noise" not in chain.strain.history[-1].get("outcome", {})
