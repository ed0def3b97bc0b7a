"""Stacks of images are segmented image by image, and sliced with their outlines."""

from __future__ import annotations

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest

import hyperspy_twin as ht


@pytest.fixture(scope="module")
def stack():
    """2 x 3 images of a bright disc that grows, and moves from row to row."""
    y, x = np.mgrid[:96, :112]
    rng = np.random.default_rng(0)
    images = [
        [5.0 * (np.hypot(x - 40 - 20 * row, y - 48) < 14 + 5 * column) for column in range(3)]
        for row in range(2)
    ]
    stack = ht.Micrograph(np.array(images) + rng.normal(scale=0.3, size=(2, 3, 96, 112)))
    stack.calibrate(0.5)
    return stack


@pytest.fixture(scope="module")
def segmented(stack):
    return stack.segment(show_progressbar=False)


def test_each_image_is_segmented_as_if_alone(stack, segmented):
    assert type(segmented) is ht.SegmentedImage
    labels = segmented.labels
    assert labels.data.shape == stack.data.shape
    for index in np.ndindex(2, 3):
        alone = stack.inav[index[1], index[0]].segment()
        np.testing.assert_array_equal(labels.data[index], alone.labels.data)


@pytest.mark.parametrize("slices", [(1, 0), (2, 1), (slice(1, 3), 1), (slice(None), 0), (0,)])
def test_images_keep_their_outlines_when_sliced(segmented, slices):
    part = segmented.inav[slices]
    np.testing.assert_array_equal(part.labels.data, segmented.labels.inav[slices].data)


def test_sliced_twice_and_cropped(segmented):
    part = segmented.inav[1:, 1].inav[1].isig[10:-10, 5:-5]
    expected = segmented.labels.inav[2, 1].isig[10:-10, 5:-5]
    np.testing.assert_array_equal(part.labels.data, expected.data)


def test_one_image_goes_on(segmented):
    part = segmented.inav[1, 1]
    assert len(part.regions) == 2
    assert set(part.merge_regions([1, 2]).regions["region"]) == {1}
    assert part.find_peaks(show_progressbar=False).crystallinity.keys() == {1, 2}


def test_whole_stack_says_to_choose_an_image(segmented):
    for step in (lambda s: s.regions, lambda s: s.find_peaks(), lambda s: s.merge_regions([1, 2])):
        with pytest.raises(ValueError, match="choose one with s.inav"):
            step(segmented)


@pytest.mark.parametrize("suffix", ["hspy", "zspy"])
def test_stack_survives_files(segmented, suffix, tmp_path):
    segmented.save(tmp_path / f"stack.{suffix}")
    again = hs.load(tmp_path / f"stack.{suffix}")
    np.testing.assert_array_equal(again.labels.data, segmented.labels.data)
    np.testing.assert_array_equal(again.inav[1, 1].labels.data, segmented.labels.inav[1, 1].data)


def test_lazy_stack_stays_lazy_and_gives_the_same(stack, segmented):
    lazy = stack.as_lazy().segment(show_progressbar=False)
    assert lazy._lazy
    np.testing.assert_array_equal(lazy.labels.data, segmented.labels.data)


def test_images_taken_by_other_means_are_refused(segmented):
    image = next(iter(segmented))
    with pytest.raises(ValueError, match="s.inav"):
        _ = image.labels


def test_stack_is_plotted_with_the_outlines_of_each_image(segmented):
    segmented.plot()
    segmented.axes_manager.indices = (1, 1)
    plt.close("all")
