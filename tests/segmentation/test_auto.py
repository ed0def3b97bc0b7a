"""The automatic choice between edges and texture against images of known truth."""

from __future__ import annotations

import numpy as np
import pytest

from hyperspy_twin.core import Grid
from hyperspy_twin.segmentation.auto import (
    Features,
    Score,
    explain_by_regions,
    find_grains,
    find_pure_tiles,
    score_regions,
    segment_auto,
)
from hyperspy_twin.segmentation.edges.edge_segmentation import segment_edges


def agreement(found, truth):
    table = np.zeros((found.max() + 1, truth.max() + 1))
    np.add.at(table, (found.ravel(), truth.ravel()), 1)
    together = (table * (table - 1)).sum()
    first, second = (n @ (n - 1) for n in (table.sum(axis=1), table.sum(axis=0)))
    expected = first * second / (found.size * (found.size - 1))
    return (together - expected) / ((first + second) / 2 - expected)


def crystal(shape, angle, period=8.0):
    row, column = np.mgrid[: shape[0], : shape[1]]
    u = (np.cos(angle) * column + np.sin(angle) * row) / period
    v = (np.cos(angle) * row - np.sin(angle) * column) / period
    return 1 + 0.4 * (np.cos(2 * np.pi * u) + np.cos(2 * np.pi * v))


def exposed(intensity, dose=60, seed=1):
    return np.random.default_rng(seed).poisson(intensity * dose).astype(np.float32)


def automatic(image, **options):
    return segment_auto(image, Grid(image.shape, (1.0, 1.0)), **options)


def halves(shape):
    return np.repeat((np.arange(shape[1]) > 0.45 * shape[1])[None] + 1, shape[0], axis=0)


def test_layers_of_different_brightness_are_found_by_their_edges():
    truth = np.repeat(np.digitize(np.arange(320), [110, 210])[:, None], 300, axis=1) + 1
    image = exposed(np.array([0, 1, 1.4, 0.8])[truth] * crystal(truth.shape, 0.3))
    found, report = automatic(image)
    assert report.method == "edges"
    assert agreement(found.labels, truth) > 0.97
    assert report.scores["edges"].brightness > 0.9
    edges = segment_edges(image, Grid(image.shape, (1.0, 1.0)))
    np.testing.assert_array_equal(found.labels, edges.labels)


def test_grains_of_equal_brightness_are_found_by_their_lattice():
    truth = halves((320, 320))
    turned = np.where(truth == 1, crystal(truth.shape, 0.1), crystal(truth.shape, 0.6))
    found, report = automatic(exposed(turned))
    assert report.method == "texture"
    assert agreement(found.labels, truth) > 0.95
    assert report.scores["texture"].lattice > 0.5 > report.scores["edges"].lattice
    assert "lattice" in report.reason


def test_a_film_of_two_grains_beside_vacuum_needs_both():
    shape = (384, 384)
    grains = np.where(halves(shape) == 1, crystal(shape, 0.1), crystal(shape, 0.6))
    vacuum = np.repeat((np.arange(shape[0]) < 120)[:, None], shape[1], axis=1)
    truth = np.where(vacuum, 1, halves(shape) + 1)
    found, report = automatic(exposed(np.where(vacuum, 0.2, grains)))
    assert found.labels.max() == 3
    assert agreement(found.labels, truth) > 0.96
    assert max(report.scores.values(), key=lambda one: one.total) is report.scores[report.method]


def test_a_uniform_crystal_is_one_region():
    found, report = automatic(exposed(crystal((300, 300), 0.2)))
    assert found.labels.max() == 1
    assert "neither" in report.reason


def test_noise_is_one_region():
    found, _ = automatic(np.random.default_rng(3).normal(size=(256, 200)).astype(np.float32))
    assert found.labels.max() == 1


def test_an_image_too_small_for_texture_is_segmented_by_edges():
    image = np.where(np.arange(24)[:, None] < 10, 0.0, 1.0) * np.ones(60)
    found, report = automatic(image + 0.05 * np.random.default_rng(2).normal(size=image.shape))
    assert found.labels.max() == 2
    assert list(report.scores) == ["edges"]


def test_a_perfect_partition_explains_all_and_costs_its_regions():
    labels = halves((64, 64))
    features = Features(labels.astype(float), np.zeros((4, 4, 3)), 16)
    assert explain_by_regions(labels, features.brightness[..., None]) == pytest.approx(1)
    assert explain_by_regions(labels.T, features.brightness[..., None]) == pytest.approx(0)
    one, two = score_regions(np.ones((64, 64), int), features), score_regions(labels, features)
    assert (one.total, one.price) == (0, 0)
    assert two.total == pytest.approx(np.log(10) - 0.03 - 0.005)  # 1 % is always granted
    assert two.lattice == 0


def test_what_a_partition_leaves_open_counts_by_its_ratio():
    exact, rough = Score(0.98, 0.5, 0.0), Score(0.86, 0.6, 0.0)
    assert exact.total - rough.total == pytest.approx(np.log(7) / 2 - np.log(1.25) / 2)
    assert Score(1.0, 0.0, 0.0).total == Score(0.999, 0.0, 0.0).total


def test_lattice_does_not_make_up_for_rough_borders():
    exact, rough = Score(0.87, 0.17, 0.09), Score(0.56, 0.65, 0.06)
    assert exact.brightness + exact.lattice < rough.brightness + rough.lattice
    assert exact.total > rough.total


def test_slivers_of_texture_are_no_grains():
    inside = np.ones((60, 60), bool)
    texture = np.ones((60, 60), int)
    texture[:, 57:] = 2
    assert find_grains(inside, texture, 6) is None
    texture[:, 30:] = 3
    texture[:, 57:] = 2
    parts = find_grains(inside, texture, 6)
    assert np.unique(parts).tolist() == [1, 2]
    np.testing.assert_array_equal(parts, np.where(np.arange(60) < 30, 1, 2) * np.ones((60, 1)))


def test_tiles_across_a_border_belong_to_no_region():
    labels = halves((96, 96))
    middles, pure = find_pure_tiles(labels, 24)
    assert labels[middles].shape == pure.shape
    columns = np.flatnonzero(~pure.all(axis=0))
    assert columns.size
    assert np.abs(middles[1].ravel()[columns] - 43.5).max() < 12
    assert pure[:, [0, -1]].all()


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="no contrast"):
        automatic(np.full((64, 64), 3.0))
    with pytest.raises(ValueError, match="min_area"):
        automatic(np.random.default_rng(1).normal(size=(64, 64)), min_area=-1.0)
