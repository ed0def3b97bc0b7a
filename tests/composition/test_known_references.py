"""Composition from strain, from intensity between two references, and as it was grown."""

from __future__ import annotations

import hyperspy.api as hs
import numpy as np
import pytest

import hyperspy_twin as ht

LABELS = np.repeat([1, 2, 3], 20)[:, None] * np.ones((1, 40), int)


def layers(means=(100.0, 160.0, 220.0), seed=0):
    """Segmented image of three layers with counted electrons."""
    mean = np.array(means)[LABELS - 1]
    image = ht.Micrograph(np.random.default_rng(seed).poisson(mean).astype(np.float32))
    for axis in image.axes_manager.signal_axes:
        axis.scale, axis.units = 0.5, "nm"
    return ht.SegmentedImage.from_labels(image, LABELS)


def test_intensity_between_two_references():
    segmented = layers()
    references = {1: {"Si": 1.0}, 3: {"Si": 0.2, "Ge": 0.8}}
    maps = ht.composition.from_haadf(segmented, references)
    inside = np.asarray(segmented.labels.data) == 2
    ratio = (maps["Ge"].data - 0.4) / maps.error.data[1]
    assert maps["Ge"].data[inside].mean() == pytest.approx(0.4, abs=0.01)
    assert 0.85 < np.mean(ratio[inside] ** 2) < 1.15
    np.testing.assert_allclose(maps.data.sum(axis=0), 1.0, atol=1e-5)
    assert "same thickness" in str(maps.report) and "Si 0.2 Ge 0.8" in str(maps.report)


def test_references_have_to_differ():
    with pytest.raises(ValueError, match="do not differ"):
        ht.composition.from_haadf(layers((100.0, 100.0, 100.0)), {1: {"Si": 1.0}, 3: {"Ge": 1.0}})


def test_nominal_fractions_of_regions(tmp_path):
    maps = ht.composition.from_regions(layers(), {1: {"Si": 1.0}, 2: {"Si": 0.3, "Ge": 0.7}})
    labels = np.asarray(layers().labels.data)
    np.testing.assert_allclose(maps["Ge"].data[labels == 1], 0.0)
    np.testing.assert_allclose(maps["Ge"].data[labels == 2], 0.7)
    assert np.isnan(maps["Ge"].data[labels == 3]).all()
    assert np.isnan(maps.error.data).all()
    assert maps.placement.method == "same grid"
    assert maps.report.withheld == {"no fractions were given for the region": (labels == 3).sum()}
    maps.save(tmp_path / "nominal.hspy")
    assert hs.load(tmp_path / "nominal.hspy").axes_manager.signal_axes[0].scale == 0.5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({9: {"Si": 1.0}}, "no region 9"),
        ({1: {"Si": 0.5}}, "add up to 1"),
        ({1: {"Si": 1.2, "Ge": -0.2}}, "positive"),
        ({1: {"Xx": 1.0}}, "unknown elements"),
        ({}, "at least one element"),
    ],
)
def test_fractions_that_cannot_be_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        ht.composition.from_regions(layers(), given)


def test_one_reference_is_too_few():
    with pytest.raises(ValueError, match="two reference regions"):
        ht.composition.from_haadf(layers(), {1: {"Si": 1.0}})
