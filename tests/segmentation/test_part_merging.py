"""Masks made a partition, against cases with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hyperspy_twin.segmentation.labels import order_regions
from hyperspy_twin.segmentation.segment_anything.part_merging import (
    PartGraph,
    Resolution,
    join_unsupported,
)


def join(parts, image, *, masks=None, scores=None, smoothing=1.5, mask_pixel=1.0, least=10):
    """Join with a perfect mask of each part unless others are given."""
    if masks is None:
        masks = parts == np.arange(parts.max() + 1)[:, None, None]
    scores = np.ones(len(masks)) if scores is None else scores
    resolution = Resolution(smoothing, mask_pixel, least, 1.0)
    return join_unsupported(parts, image, masks, scores, resolution)


def stairs(levels, width, noise, seed, rows=48):
    truth = np.repeat(np.arange(len(levels)), width)[None].repeat(rows, axis=0)
    image = np.array(levels, float)[truth]
    return truth, image + noise * np.random.default_rng(seed).normal(size=truth.shape)


def test_a_border_without_a_step_vanishes_and_a_step_stays():
    truth, image = stairs([0, 0, 1, 0.5], 30, 0.05, 1)
    np.testing.assert_array_equal(join(truth, image), np.array([0, 0, 1, 2])[truth])


def test_shading_is_not_a_border_and_hides_none():
    truth = np.repeat([0, 1], 60)[None].repeat(48, axis=0)
    slope = np.linspace(0, 1, 120)[None].repeat(48, axis=0)
    slope = slope + 0.01 * np.random.default_rng(2).normal(size=slope.shape)
    # On a slope the step over any distance is what each part has inside.
    assert join(truth, slope).max() == 0
    # A step back of half of what the slope gains over each part.
    np.testing.assert_array_equal(join(truth, slope - 0.25 * truth), truth)


def test_texture_inside_raises_the_bar():
    truth, image = stairs([0, 1], 40, 0.05, 3)
    assert join(truth, image).max() == 1
    waves = 3 * np.sin(2 * np.pi * np.indices(truth.shape) / 12).sum(axis=0)
    assert join(truth, image + waves).max() == 0


def test_a_border_that_no_mask_shows_needs_twice_the_step():
    # One value in four smoothing areas is independent: the least step is a known one.
    truth, noise = stairs([0, 0], 40, 1, 4)
    least = 0.55 + 5 * np.sqrt(4 * np.pi * 1.5**2 / (40 * 48))
    nothing = np.zeros((0, *truth.shape), bool)
    for step, shown, hidden in ((0.8, 0, 0), (1.5, 1, 0), (2.6, 1, 1)):
        image = noise + step * least * np.sqrt(2) * truth
        assert join(truth, image).max() == shown
        assert join(truth, image, masks=nothing).max() == hidden
    image = noise + 1.5 * least * np.sqrt(2) * truth
    assert join(truth, image, masks=(truth == 0)[None], scores=np.array([0.2])).max() == 0


def test_a_narrow_strip_between_dark_and_bright_is_a_flank_and_a_layer_is_not():
    row = np.repeat([0, 1, 2], [40, 6, 40])
    truth = row[None].repeat(48, axis=0)
    noise = 0.01 * np.random.default_rng(5).normal(size=truth.shape)
    flank = join(truth, np.array([0.0, 0.4, 1.0])[truth] + noise)
    np.testing.assert_array_equal(flank, np.minimum(truth, 1) if flank[0, 42] else truth // 2)
    assert join(truth, np.array([0.0, 1.0, 0.0])[truth] + noise).max() == 2
    # As wide as two pixels of a mask it may still be the gap between two masks.
    wide = np.repeat([0, 1, 2], [40, 14, 40])[None].repeat(48, axis=0)
    image = np.array([0.0, 0.4, 1.0])[wide]
    assert join(wide, image).max() == 2
    assert join(wide, image, mask_pixel=8.0).max() == 1


def test_a_small_part_joins_the_neighbour_behind_its_weakest_border():
    truth = np.zeros((40, 60), int)
    truth[:, 30:] = 1
    truth[18:22, 28:32] = 2
    image = np.array([0.0, 1.0, 0.8])[truth]
    np.testing.assert_array_equal(join(truth, image, least=20), np.where(truth == 2, 1, truth))


def test_a_speck_needs_more_than_a_large_region():
    row, column = np.indices((64, 64))
    noise = np.random.default_rng(6).normal(size=(64, 64))
    for radius, expected in ((4, 0), (24, 1)):
        truth = (np.hypot(row - 32, column - 32) < radius).astype(int)
        assert join(truth, noise + 3.5 * truth).max() == expected


def test_joining_takes_the_weakest_border_of_all_each_time():
    rng = np.random.default_rng(7)
    row, column = np.indices((60, 72))
    parts = np.unique((row // 12) * 6 + column // 12, return_inverse=True)[1].reshape(60, 72)
    image = (0.7 * rng.normal(size=30))[parts] + 0.2 * rng.normal(size=parts.shape)
    masks, scores = parts == np.arange(30)[:, None, None], np.ones(30)
    resolution = Resolution(1.5, 1.0, 10, 1.0)
    graph, owner = PartGraph(parts, image, masks, scores, resolution), np.arange(30)
    while True:
        weak = [pair for pair in graph.pairs(range(30)) if graph.weak(*pair)]
        if not weak:
            break
        kept, joined = min(weak, key=lambda pair: (graph.weakness(*pair), pair))
        graph.join(kept, joined)
        owner[owner == joined] = kept
    expected = np.unique(owner[parts], return_inverse=True)[1].reshape(parts.shape)
    assert 1 < expected.max() < 29
    np.testing.assert_array_equal(
        join_unsupported(parts, image, masks, scores, resolution), expected
    )


@settings(max_examples=25, deadline=None)
@given(arrays(np.int32, (9, 11), elements=st.integers(0, 6)), st.integers(0, 2**31))
def test_labels_are_exact_ordered_and_independent_of_the_input_numbers(regions, seed):
    labels = order_regions(regions)
    assert labels.dtype == np.int32
    assert np.unique(labels).tolist() == list(range(1, len(np.unique(regions)) + 1))
    for label in np.unique(labels):  # a renaming, nothing else
        assert len(np.unique(regions[labels == label])) == 1
    renamed = np.random.default_rng(seed).permutation(7)[regions]
    centroids = [np.argwhere(labels == n).mean(axis=0) for n in np.unique(labels)]
    assert all(a[0] <= b[0] + 1e-9 for a, b in zip(centroids, centroids[1:], strict=False))
    if len({tuple(c) for c in centroids}) == len(centroids):
        np.testing.assert_array_equal(order_regions(renamed), labels)


@pytest.mark.parametrize("shape", [(33, 47), (48, 32)])
def test_joining_gives_the_same_answer_again_and_under_transposition(shape):
    rng = np.random.default_rng(5)
    row, column = np.indices(shape)
    parts = np.unique((row // 12) * 4 + column // 12, return_inverse=True)[1].reshape(shape)
    image = rng.normal(size=16)[parts % 16] + 0.2 * rng.normal(size=shape)
    first = join(parts, image)
    np.testing.assert_array_equal(first, join(parts, image))
    turned = join(np.ascontiguousarray(parts.T), image.T).T
    np.testing.assert_array_equal(order_regions(first), order_regions(turned))
