"""How often a map lies where it is placed by what it shows, against the probability claimed.

Run: python benchmarks/placement.py [number of pairs of each kind] [first seed]

Pairs of a micrograph and a map of 3 nm pixels are made of devices of several kinds, with a random
place, angle, scale, drift, walk of the rows, noise and strength of the texture by which places
differ that are else alike. A place is right within 1.5 pixels of the map (root mean square over
the map), but for directions that are told to be undetermined. A quarter of the maps lie elsewhere
on the device, beside the micrograph: they are right only where layers go on, and a probability
among the places of the micrograph has no meaning for them. They can be told only by what the
micrograph lacks, not where it shows a copy, such as the flank of another wire.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates, uniform_filter

from hyperspy_twin.composition.placement.image_search import find_place
from hyperspy_twin.composition.placement.methods import SUREST
from hyperspy_twin.composition.placement.recorded import reduce_map
from hyperspy_twin.core import Grid

FINE = 1 / 3  # nm per sample of a device; an odd number of samples makes a pixel
DEVICE = 400.0  # nm; the micrograph is its left upper quarter
PIXEL, STEP = 1.0, 3.0  # nm, of the micrograph and of the map
ANGLE, SCALE = 10.0, 0.05  # tolerances of the search: degrees, ratio
ELSEWHERE = 0.25  # of the maps
RIGHT = 1.5  # pixels of the map: places that are nearer are one place for the search
BINS = (0.0, 0.5, 0.9, 0.99, 0.999)  # lower ends of what is claimed


class Pair(NamedTuple):
    """A micrograph, a map, and the true matrix and row shifts of the map, if it has a place."""

    image: np.ndarray
    image_grid: Grid
    map_image: np.ndarray
    map_grid: Grid
    matrix: np.ndarray
    row_shifts: np.ndarray
    present: bool


class Outcome(NamedTuple):
    """What the search claims of a pair, and whether its best place is right."""

    present: bool
    probability: float
    doubt: bool
    right: bool

    @property
    def accepted(self) -> bool:
        """Whether the place is not refused."""
        return not self.doubt and self.probability >= SUREST


def depth(random: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Distance across layers of random slope."""
    slope = random.uniform(0, np.pi)
    return (x - 100) * np.sin(slope) + (y - 100) * np.cos(slope)


def band(distance: np.ndarray, low: float, high: float) -> np.ndarray:
    """1 between two interfaces of 1.5 nm, else 0."""
    return (np.tanh((distance - low) / 1.5) - np.tanh((distance - high) / 1.5)) / 2


def quantum_well(random: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Layers of two compositions."""
    distance = depth(random, x, y)
    return 1 + band(distance, -12, 12) + 0.5 * band(distance, 40, 46)


def multilayer(random: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Layers that repeat in a period smaller than the map."""
    distance, period = depth(random, x, y), random.uniform(8, 25)
    return 1.5 + 0.5 * np.tanh(3 * np.sin(2 * np.pi * distance / period))


def nanowire(random: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Two wires with a core and a shell, and a kink in the layer across each."""
    found = np.full(x.shape, 0.2)
    for centre in (random.uniform(60, 130), random.uniform(260, 330)):
        across = x - centre - random.normal(0, 0.1) * (y - 100)
        radius = random.uniform(20, 30) - 0.03 * y
        inner = np.clip(1 - (across / radius) ** 2, 0, None) ** 0.5
        core = np.clip(1 - (2 * across / radius) ** 2, 0, None) ** 0.5
        found += inner + core + inner * band(y, *(random.uniform(40, 160) + np.array([0, 10])))
    return found


def particles(random: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spheres of many sizes at random places."""
    found = np.full(x.shape, 0.3)
    for _ in range(random.integers(20, 80)):
        centre, radius = random.uniform(0, DEVICE, 2), random.uniform(4, 15)
        square = 1 - ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / radius**2
        found += np.clip(square, 0, None) ** 0.5 * radius / 10
    return found


def dots(random: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Dots on a lattice whose periods are smaller than the map."""
    turn, period = random.uniform(0, np.pi / 2), random.uniform(10, 25)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    return 0.3 + np.exp(
        2 * (np.cos(2 * np.pi * along / period) + np.cos(2 * np.pi * across / period)) - 3
    )


def amorphous(random: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Nothing but the texture."""
    return np.ones_like(x)


KINDS: dict[str, Callable[[np.random.Generator, np.ndarray, np.ndarray], np.ndarray]] = {
    "quantum well": quantum_well,
    "multilayer": multilayer,
    "nanowire": nanowire,
    "particles": particles,
    "dots": dots,
    "amorphous": amorphous,
    "empty": amorphous,
}


def make_pair(kind: str, seed: int) -> Pair:
    """Make a pair of one kind."""
    random = np.random.default_rng([seed, list(KINDS).index(kind)])
    y, x = np.mgrid[: round(DEVICE / FINE), : round(DEVICE / FINE)] * FINE
    scene = KINDS[kind](random, x, y)
    texture = 0.0 if kind == "empty" else 10 ** random.uniform(-3, -1.4)
    grains = gaussian_filter(random.standard_normal(scene.shape), random.uniform(3, 8) / FINE)
    scene = scene * (1 + texture * grains / grains.std())
    present = random.random() >= ELSEWHERE
    shape = (int(random.integers(16, 34)), int(random.integers(12, 26)))
    grid = Grid(shape, (STEP, STEP))
    half = STEP * np.array(shape[::-1]) / 2
    middle = random.uniform(half, DEVICE / 2 - half) + (0 if present else [DEVICE / 2, 0])
    turn, scale = np.radians(random.uniform(-8, 8)), random.uniform(0.96, 1.04)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = np.column_stack([linear, middle - linear @ [grid.x.mean(), grid.y.mean()]])
    time = np.linspace(-0.5, 0.5, shape[0])[:, None]
    walk = np.cumsum(random.uniform(0, 0.08) * random.standard_normal((shape[0], 2)), axis=0)
    shifts = STEP * (time * random.uniform(-1, 1, 2) + walk - walk.mean(axis=0))
    seen = uniform_filter(scene, round(STEP / FINE))
    at = places(matrix, shifts, grid) / FINE
    mean = map_coordinates(seen, at.T[::-1]).reshape(shape)
    mean *= 1 + 10 ** random.uniform(-3, -1.5) * random.standard_normal(shape)
    every, size = round(PIXEL / FINE), round(DEVICE / 2 / PIXEL)
    part = scene[: size * every, : size * every]
    image = part.reshape(size, every, size, every).mean(axis=(1, 3))
    image = image * (1 + 10 ** random.uniform(-3, -1.5) * random.standard_normal(image.shape))
    first = (every - 1) / 2 * FINE
    return Pair(
        image, Grid(image.shape, (PIXEL,) * 2, (first,) * 2), mean, grid, matrix, shifts, present
    )


def places(matrix: np.ndarray, row_shifts: np.ndarray, grid: Grid) -> np.ndarray:
    """Position (x, y) of each pixel of a map, shape (pixels, 2)."""
    x, y = np.meshgrid(grid.x, grid.y)
    points = np.stack([x, y, np.ones_like(x)], axis=-1) @ matrix.T
    return (points + row_shifts[:, None]).reshape(-1, 2)


def judge(pair: Pair) -> Outcome:
    """Search the map of a pair."""
    linear = np.eye(2)
    recorded = reduce_map(pair.map_image, pair.map_grid, linear, STEP)
    found = find_place(
        pair.image, pair.image_grid, recorded, linear, angle=math.radians(ANGLE), scale=SCALE
    )
    if found is None:
        return Outcome(pair.present, 0.0, True, False)
    off = places(found.fit.matrix, found.fit.row_shifts, pair.map_grid)
    off = off - places(pair.matrix, pair.row_shifts, pair.map_grid)
    known = found.certainty.determined
    if known.any():
        off = off @ found.certainty.directions[known].T
    right = bool(np.sqrt(np.square(off).sum(axis=1).mean()) < RIGHT * STEP)
    return Outcome(pair.present, found.probability, bool(found.doubt), right)


def main() -> None:
    """Print a table of the kinds, and one of the probabilities."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=30)
    parser.add_argument("first", nargs="?", type=int, default=0)
    given = parser.parse_args()
    heads = "on it", "accepted", "wrong", "right, refused", "beside it", "accepted", "wrong"
    print(f"{'kind':14} " + " ".join(f"{one:>14}" for one in heads), flush=True)
    everything: list[Outcome] = []
    for kind in KINDS:
        seeds = range(given.first, given.first + given.count)
        found = [judge(make_pair(kind, seed)) for seed in seeds]
        counts = []
        for own in ([one for one in found if one.present == here] for here in (True, False)):
            accepted = [one for one in own if one.accepted]
            counts += [len(own), len(accepted), sum(not one.right for one in accepted)]
            if own and own[0].present:
                counts.append(sum(one.right and not one.accepted for one in own))
        print(f"{kind:14} " + " ".join(f"{one:14}" for one in counts), flush=True)
        everything += found
    print(f"\n{'claimed from':>14} {'maps on it':>12} {'mean claim':>12} {'right':>8}")
    sure = [one for one in everything if one.present and not one.doubt]
    bins = np.digitize([one.probability for one in sure], BINS)
    for number, low in enumerate(BINS, 1):
        own = [one for one, at in zip(sure, bins, strict=True) if at == number]
        if own:
            claim = np.mean([one.probability for one in own])
            right = np.mean([one.right for one in own])
            print(f"{low:14g} {len(own):12} {claim:12.4f} {right:8.3f}")


if __name__ == "__main__":
    main()
