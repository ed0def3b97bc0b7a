"""Agreement with the truth, boundary error and time of each segmentation method and its peers.

Run: python benchmarks/segmentation.py [--methods edges auto ...] [--half test] [--every 4]

Methods are those of the package (edges, texture, sam, auto) and, as peers, Otsu's threshold with a
watershed of the distance map (scikit-image; its smoothing and spacing are the best of six settings
on the tuning half) and MobileSAM with the default settings of `SamAutomaticMaskGenerator`. A method
whose package is not installed is left out with a line that says so.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from segmentation_peers import SHARED, checkpoint, mobile_sam, tuned_otsu
from segmentation_scenes import HALVES, Scene, scenes

from hyperspy_twin.core import Grid

Method = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Score:
    """What one method reaches on one scene."""

    scene: str
    family: str
    half: str
    method: str
    agreement: float
    boundary: float
    regions: int
    seconds: float


def adjusted_rand(found: np.ndarray, truth: np.ndarray) -> float:
    """Compute the adjusted Rand index (Hubert & Arabie, J. Classif. 2 (1985) 193)."""
    columns = int(truth.max()) + 1
    table = np.bincount(found.ravel() * np.int64(columns) + truth.ravel()).astype(float)
    table = np.pad(table, (0, -table.size % columns)).reshape(-1, columns)
    together = (table * (table - 1)).sum()
    first, second = (n @ (n - 1) for n in (table.sum(axis=1), table.sum(axis=0)))
    expected = first * second / (found.size * (found.size - 1.0))
    half = (first + second) / 2
    return 1.0 if half == expected else float((together - expected) / (half - expected))


def boundary_error(found: np.ndarray, truth: np.ndarray) -> float:
    """Mean distance in pixels between the boundaries of two partitions, there and back."""
    edges = [_boundary(labels) for labels in (found, truth)]
    if not any(edge.any() for edge in edges):
        return 0.0
    if not all(edge.any() for edge in edges):
        return float("inf")
    there, back = (
        ndimage.distance_transform_edt(~a)[b].mean() for a, b in (edges, reversed(edges))
    )
    return float((there + back) / 2)


def _boundary(labels: np.ndarray) -> np.ndarray:
    """Cracks between pixels of different label, on a grid of half pixels."""
    rows, columns = labels.shape
    edge = np.zeros((2 * rows - 1, 2 * columns - 1), bool)
    edge[::2, 1::2] = labels[:, 1:] != labels[:, :-1]
    edge[1::2, ::2] = labels[1:] != labels[:-1]
    return edge


def unit_grid(image: np.ndarray) -> Grid:
    """Grid in pixels."""
    return Grid(image.shape, (1.0, 1.0))


def edges(image: np.ndarray) -> np.ndarray:
    """Regions between edges."""
    from hyperspy_twin.segmentation import segment_edges

    return segment_edges(image, unit_grid(image)).labels


def texture(image: np.ndarray) -> np.ndarray:
    """Regions of one lattice."""
    from hyperspy_twin.segmentation import segment_texture

    return segment_texture(image, unit_grid(image)).labels


def auto(image: np.ndarray) -> np.ndarray:
    """Let the package choose."""
    from hyperspy_twin.segmentation import segment_auto

    return segment_auto(image, unit_grid(image))[0].labels


def sam() -> Method:
    """Take Segment Anything as the package uses it, with the weights of MobileSAM."""
    from hyperspy_twin.segmentation import segment_sam
    from hyperspy_twin.segmentation.segment_anything import find_checkpoint, require_torch

    require_torch()
    weights = checkpoint(find_checkpoint)
    return lambda image: segment_sam(image, unit_grid(image), checkpoint=weights).labels


def best_otsu() -> Method:
    """Take Otsu's recipe with the setting that agrees best with the tuning half."""
    pairs = ((scene.image, scene.truth) for scene in scenes(("tuning",)))
    return tuned_otsu(pairs, adjusted_rand)


METHODS: dict[str, Callable[[], Method]] = {
    "edges": lambda: edges,
    "texture": lambda: texture,
    "auto": lambda: auto,
    "sam": sam,
    "otsu": best_otsu,
    "mobile_sam": mobile_sam,
}


def measure(methods: dict[str, Method], chosen: Iterable[Scene]) -> list[Score]:
    """Every method on every scene, after one call that compiles its kernels."""
    scores = []
    warm = np.random.default_rng(1).normal(size=(96, 96)).astype(np.float32)
    for method in methods.values():
        method(warm)
    for scene in chosen:
        for name, method in methods.items():
            start = time.perf_counter()
            labels = method(scene.image).astype(np.int64)
            seconds = time.perf_counter() - start
            scores.append(
                Score(
                    scene.name,
                    scene.family,
                    scene.half,
                    name,
                    adjusted_rand(labels, scene.truth),
                    boundary_error(labels, scene.truth) / 2,
                    np.unique(labels).size,
                    seconds,
                )
            )
    return scores


def print_scenes(scores: list[Score], methods: list[str]) -> None:
    """One line per scene: agreement and boundary error of each method."""
    print(f"\n{'scene':30}" + "".join(f"{name:>20}" for name in methods))
    for scene in dict.fromkeys(score.scene for score in scores):
        row = {score.method: score for score in scores if score.scene == scene}
        cells = (
            f"{row[m].agreement:10.3f}{row[m].boundary:6.1f}{row[m].regions:4}" for m in methods
        )
        print(f"{scene:30}" + "".join(cells))


def print_families(scores: list[Score], methods: list[str]) -> None:
    """Mean agreement per family, then the summary of each half."""
    for half in dict.fromkeys(score.half for score in scores):
        own = [score for score in scores if score.half == half]
        print(f"\n{half + ' half':30}" + "".join(f"{name:>12}" for name in methods))
        for family in dict.fromkeys(score.family for score in own):
            means = (_mean(own, "agreement", m, family) for m in methods)
            print(f"{family:30}" + "".join(f"{mean:12.3f}" for mean in means))
        print(f"{'all, mean agreement':30}" + _row(_mean(own, "agreement", m) for m in methods))
        errors = (np.median([s.boundary for s in own if s.method == m]) for m in methods)
        print(f"{'median boundary error (px)':30}" + _row(errors))
        print(f"{'mean wall time (s)':30}" + _row(_mean(own, "seconds", m) for m in methods))
        if {"auto", "edges", "texture"} <= set(methods):
            print_lag(own)


def print_lag(scores: list[Score]) -> None:
    """How far auto stays behind the better of its methods."""
    reached = {(score.scene, score.method): score.agreement for score in scores}
    lag = {
        scene: max(reached[scene, "edges"], reached[scene, "texture"]) - reached[scene, "auto"]
        for scene, _ in reached
    }
    behind = {scene: value for scene, value in lag.items() if value > 0.02}
    print(f"auto more than 0.02 behind the better: {len(behind)} of {len(lag)} {behind}")


def _row(values: Iterable[float]) -> str:
    return "".join(f"{value:12.3f}" for value in values)


def _mean(scores: list[Score], field: str, method: str, family: str | None = None) -> float:
    kept = [s for s in scores if s.method == method and family in (None, s.family)]
    return float(np.mean([getattr(score, field) for score in kept]))


def print_nanowire(methods: dict[str, Method]) -> None:
    """Agreement with the published classes of a real nanowire cross-section."""
    picture = SHARED / "data" / "SAG_nanowire_304px.png"
    if not picture.exists():
        return
    from imageio.v3 import imread

    image = imread(picture).astype(np.float32)
    image = image if image.ndim == 2 else image[..., :3].mean(axis=-1)
    published = np.load(picture.with_name("SAG_nanowire_authors_labels.npy")).astype(np.int64)
    print("\nreal nanowire, agreement with the authors' classes")
    rows, columns = published.shape
    for name, method in methods.items():
        found = method(image)[:rows, :columns].astype(np.int64)
        print(f"{name:12} {adjusted_rand(found, published):.3f}, {np.unique(found).size} regions")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--half", choices=HALVES)
    parser.add_argument("--every", type=int, default=1, help="only every n-th scene of each half")
    arguments = parser.parse_args()
    methods = {}
    for name in arguments.methods:
        try:
            methods[name] = METHODS[name]()
        except ImportError as error:
            print(f"{name} left out: {error}")
    scores = []
    for half in (arguments.half,) if arguments.half else HALVES:
        scores += measure(methods, itertools.islice(scenes((half,)), 0, None, arguments.every))
    print_scenes(scores, list(methods))
    print_families(scores, list(methods))
    print_nanowire(methods)


if __name__ == "__main__":
    main()
