"""The segmentation method that suits an image, chosen by one score."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from hyperspy_twin.core import Grid, begin_step, counted
from hyperspy_twin.segmentation.edges import outline_whole_particles, regions_between_edges
from hyperspy_twin.segmentation.features import Features, measure_features, place_tiles
from hyperspy_twin.segmentation.labels import (
    adjacent_labels,
    depth_inside,
    fill_from_nearest,
    order_regions,
)
from hyperspy_twin.segmentation.resampling import sample
from hyperspy_twin.segmentation.result import Segmentation
from hyperspy_twin.segmentation.texture import SMALLEST_SIDE, segment_texture

# All set on the tuning half of benchmarks/segmentation.py.
# Price, in nats per pixel, of a doubling of the number of regions.
_REGION_PRICE = 0.03
# Price of a border as long as the image.
_BORDER_PRICE = 0.005
# Fraction of a variance that no partition is asked to explain.
_GRANTED = 0.01
# What texture must score above edges, because its borders are less exact.
_TEXTURE_LEAD = 0.1
# Fraction of the lattice variance inside a region between edges that a division must explain.
_MIN_GAIN = 0.2
# Tiles that each part must have.
_FEWEST_TILES = 4
# Fraction of the side of a tile that must lie in the region to which the tile belongs.
_TILE_CORE = 0.8
# Depth of a part of a region that is a grain, in smoothing lengths of the texture.
_GRAIN_DEPTH = 1.5


@dataclass(frozen=True)
class Score:
    """What speaks for one partition of an image.

    Attributes
    ----------
    brightness
        Fraction of the variance of the smoothed brightness that lies between regions, 0..1.
    lattice
        The same for the amplitudes of lattice waves.
    price
        What the number of regions and the length of their borders cost.
    total
        What both fractions shorten the description of a pixel by, in nats, less the price.
    """

    brightness: float
    lattice: float
    price: float

    @property
    def total(self) -> float:
        """Sum of ``-ln(1 - fraction) / 2``, the fraction at most 0.99, less the price.

        What is left open counts by its ratio: a partition that leaves 4 % of the brightness open
        is far better than one that leaves 12 %, however little that is of the whole.
        """
        left = np.maximum(1 - np.array([self.brightness, self.lattice]), _GRANTED)
        return float(-np.log(left).sum() / 2 - self.price)


@dataclass(frozen=True)
class AutoReport:
    """Why a method was chosen.

    Attributes
    ----------
    method
        ``"edges"``, ``"texture"`` or ``"edges and texture"``: regions between edges, some of them
        divided where the lattice changes.
    scores
        Score of each method that was tried.
    reason
        One sentence.
    """

    method: str
    scores: dict[str, Score]
    reason: str


def segment_auto(
    image: np.ndarray, grid: Grid, *, min_area: float | None = None
) -> tuple[Segmentation, AutoReport]:
    """Regions by the method that explains the image best with few regions.

    Edges and texture are segmented apart. Regions between edges that hold two lattices are divided
    along the texture. Of the three partitions that with the best score is taken: by how much the
    variance in brightness and in lattice amplitudes is smaller inside regions than in the whole
    image, as a description length (Rissanen 1978), less a price for each region and for long
    borders.

    Parameters
    ----------
    image : numpy.ndarray
        Image, shape (rows, columns), at least 16 pixels each; texture needs 32.
    grid : Grid
        Its calibrated grid.
    min_area : float, optional
        Smallest region, in the unit of the grid squared; by default each method's own.

    Returns
    -------
    segmentation : Segmentation
        Regions 1..n.
    report : AutoReport
        Method, scores and reason.

    Raises
    ------
    ValueError
        If the image is not finite, not on the grid, too small or constant, or ``min_area`` is not
        positive.

    References
    ----------
    Rissanen, Automatica 14 (1978) 465.
    """
    begin_step("edges")
    between_edges = regions_between_edges(image, grid, min_area=min_area)
    by_edges = between_edges.segmentation
    found = {"edges": by_edges}
    image = np.asarray(image, np.float32)
    if min(image.shape) >= SMALLEST_SIDE:
        begin_step("texture")
        found["texture"] = segment_texture(image, grid, min_area=min_area)
    begin_step("choice of the method")
    features = measure_features(image)
    if "texture" in found and features.waves.size:
        labels = divide_regions(by_edges.labels, found["texture"], grid=grid, features=features)
        if labels.max() > by_edges.labels.max() > 1:
            found["edges and texture"] = replace(by_edges, labels=labels)
    scores = {name: score_regions(result.labels, features) for name, result in found.items()}
    lead = {"texture": _TEXTURE_LEAD}
    method = max(scores, key=lambda name: scores[name].total - lead.get(name, 0.0))
    # Only now: the rim of a ball speaks against a partition that is scored by its even regions.
    chosen = outline_whole_particles(found[method], between_edges)
    return chosen, AutoReport(method, scores, _explain_choice(method, found, scores))


def score_regions(labels: np.ndarray, features: Features) -> Score:
    """Score of one partition of the image that has the features."""
    count = np.unique(labels).size
    length = adjacent_labels(labels)[1].sum()
    price = _REGION_PRICE * np.log2(count) + _BORDER_PRICE * length / np.sqrt(labels.size)
    of_brightness = explain_by_regions(labels, features.brightness[..., None])
    return Score(of_brightness, explain_by_regions(labels, features.waves), float(price))


def explain_by_regions(labels: np.ndarray, values: np.ndarray) -> float:
    """Fraction of the variance of the values, shape (rows, columns, k), that is between regions."""
    return explain_by_group(sample(labels, values.shape[:2]).ravel(), values)


def explain_by_group(group: np.ndarray, values: np.ndarray) -> float:
    """Fraction of the variance of n vectors, in the last axis of ``values``, between n groups."""
    flat = np.unique(group, return_inverse=True)[1]
    vectors = values.reshape(flat.size, -1)
    centred = vectors - vectors.mean(axis=0)
    total = float((centred**2).sum())
    if total == 0:
        return 0.0
    area = np.maximum(np.bincount(flat), 1)
    sums = np.stack([np.bincount(flat, column) for column in centred.T])
    return float((sums**2 / area).sum() / total)


def divide_regions(
    labels: np.ndarray, texture: Segmentation, *, grid: Grid, features: Features
) -> np.ndarray:
    """Divide regions between edges where they hold parts of different lattice.

    A part must be deep enough to be no sliver between an edge and the less certain border of the
    texture, and the division must explain enough of the variance of the lattice.
    """
    depth = _GRAIN_DEPTH * texture.smoothing / grid.pixel_size
    divided = labels.copy()
    middles, pure = find_pure_tiles(labels, features.tile)
    for region, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        parts = find_grains(labels[box] == region, texture.labels[box], depth)
        if parts is None:
            continue
        whole = np.zeros(labels.shape, np.int32)
        whole[box] = parts
        group = whole[middles]
        group[~pure] = 0
        tiles = np.bincount(group.ravel())[1:]
        if (tiles >= _FEWEST_TILES).sum() < 2:
            continue
        counted = group > 0
        if explain_by_group(group[counted], features.waves[counted]) > _MIN_GAIN:
            here = parts > 0
            divided[box][here] = divided.max() + parts[here]
    return order_regions(divided)


def find_pure_tiles(labels: np.ndarray, tile: int) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Index of the middles of all tiles, and which tiles lie in one region."""
    middles = np.ix_(*[start + tile // 2 for start in place_tiles(labels.shape, tile)])
    size = max(int(_TILE_CORE * tile), 1)
    highest = ndimage.maximum_filter(labels, size)[middles]
    return middles, highest == ndimage.minimum_filter(labels, size)[middles]


def find_grains(inside: np.ndarray, texture: np.ndarray, min_depth: float) -> np.ndarray | None:
    """Texture regions within a region, slivers given to their neighbours; None if only one."""
    pieces = np.where(inside, texture, 0)
    depth = depth_inside(np.pad(pieces, 1, mode="edge"))[1:-1, 1:-1]
    present = np.unique(pieces[inside])
    deepest = np.asarray(ndimage.maximum(depth, pieces, present))
    kept = present[deepest >= min_depth]
    if kept.size < 2:
        return None
    filled = fill_from_nearest(pieces, np.isin(pieces, kept))
    return np.where(inside, np.searchsorted(kept, filled) + 1, 0)


def _explain_choice(method: str, found: dict[str, Segmentation], scores: dict[str, Score]) -> str:
    own, count = scores[method], int(found[method].labels.max())
    if all(result.labels.max() == 1 for result in found.values()):
        return "neither edges nor texture divide the image"
    others = ", ".join(f"{name} {s.total:.2f}" for name, s in scores.items() if name != method)
    return (
        f"{method} scores {own.total:.2f} with {counted(count, 'region')}, which "
        f"{'holds' if count == 1 else 'hold'} {own.brightness:.0%} of the brightness and "
        f"{own.lattice:.0%} of the lattice variance between them"
        + (f"; {others}" if others else "")
    )
