"""The methods of segmentation behind one call, and the tables of their result."""

from __future__ import annotations

from importlib.util import find_spec

import matplotlib.pyplot as plt
import numpy as np
import pytest

import hyperspy_twin as ht


@pytest.fixture(scope="module")
def particles():
    """Two touching discs, one apart and one cut by the border, on a noisy background."""
    y, x = np.mgrid[:160, :200]
    image = np.random.default_rng(0).normal(scale=0.3, size=(160, 200))
    for cx, cy, radius in ((50, 60, 20), (86, 60, 20), (140, 110, 14), (198, 30, 12)):
        image[np.hypot(x - cx, y - cy) < radius] += 5
    micrograph = ht.Micrograph(image)
    micrograph.calibrate(0.5)
    return micrograph


def test_auto_says_what_it_chose_and_why(chain):
    step = chain.segmented.history[-1]
    assert step["parameters"] == {"method": "auto"}
    assert step["outcome"]["method"] in ("edges", "texture", "edges and texture")
    assert len(step["outcome"]["reason"]) > 20


@pytest.mark.parametrize("method", ["edges", "texture"])
def test_method_and_its_options_are_recorded(chain, method):
    segmented = chain.micrograph.segment(method, min_area=4.0)
    step = segmented.history[-1]
    assert step["parameters"] == {"method": method, "min_area": 4.0}
    assert step["outcome"]["smoothing"] > 0
    assert segmented.labels.data.min() == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "magic"}, "no method 'magic': choose one of auto, edges"),
        ({"method": "edges", "model": "vit_b"}, "takes no model; it belongs to sam"),
        ({"method": "auto", "smoothing": 1.0}, "takes no smoothing; it belongs to edges and"),
        ({"method": "edges", "smoothing": -1.0}, "smoothing must be a positive"),
    ],
)
def test_wrong_method_or_option(chain, arguments, message):
    with pytest.raises(ValueError, match=message):
        chain.micrograph.segment(**arguments)


def test_segment_anything_through_the_signal(particles, shared_file):
    if not (find_spec("torch") and find_spec("segment_anything")):
        pytest.skip("the extra 'sam' is not installed")
    weights = shared_file("weights/mobile_sam.pt")
    segmented = particles.segment("sam", checkpoint=weights, points_per_side=4)
    assert segmented.history[-1]["parameters"]["points_per_side"] == 4
    assert 3 <= len(segmented.regions) <= 6


def test_tables_of_regions_and_boundaries(chain):
    regions, boundaries = chain.segmented.regions, chain.segmented.boundaries
    np.testing.assert_allclose(regions["equivalent_diameter"], np.sqrt(4 / np.pi * regions["area"]))
    assert np.all(regions["confidence"] > 0.8)
    assert [(row["first"], row["second"]) for row in boundaries] == [(1, 2), (2, 3)]
    # The well is brighter than both barriers, and the interfaces are sharp.
    assert boundaries["contrast"][0] > 0 > boundaries["contrast"][1]
    width = chain.segmented.axes_manager.signal_axes[0].size * 0.036
    np.testing.assert_allclose(boundaries["length"], width, rtol=0.25)
    assert np.all(boundaries["confidence"] > 0.8)


def test_touching_particles_are_separated_and_measured(particles):
    segmented = particles.segment("edges")
    separate = segmented.separate_particles()
    table = separate.particles
    assert len(table) == 4
    assert table["touches_border"].sum() == 1
    whole = np.sort(table["equivalent_diameter"][~table["touches_border"]])
    np.testing.assert_allclose(whole, [14.0, 20.0, 20.0], rtol=0.06)
    figure = separate.plot_particles()
    assert "3 whole particles" in figure.axes[0].get_title()
    plt.close(figure)


def test_distribution_needs_particles(chain):
    with pytest.raises(ValueError, match="two"):
        chain.segmented.plot_particles()


def test_texture_separates_what_brightness_does_not():
    """Two lattices of the same mean brightness."""
    x, y = np.meshgrid(np.arange(300), np.arange(260))
    left = np.cos(2 * np.pi * x / 8) + np.cos(2 * np.pi * y / 8)
    turned = np.cos(2 * np.pi * (0.9 * x + 0.44 * y) / 8) + np.cos(
        2 * np.pi * (0.9 * y - 0.44 * x) / 8
    )
    rng = np.random.default_rng(0)
    image = ht.Micrograph(10 + np.where(x < 140, left, turned) + rng.normal(size=x.shape))
    labels = image.segment("texture").labels.data
    assert labels.max() == 2
    assert np.mean((labels == labels[130, 20]) == (x < 140)) > 0.96
    assert image.segment().labels.data.max() == 2
