"""Peers of spot finding, each on the spectrum that the package looks at, at its best setting.

Run: python benchmarks/spots_peers.py [--every 8] [--peers ...] searches the settings on the
images up to 512 x 512 of the tuning set; the best that it prints is written down in `BEST`.

A peer sees the power of the same windowed transform, the zero frequency at its centre, as a
logarithm scaled to 0..1 or over its mean on rings, which is our help (each peer has what suits it
better), and of its answer the half plane is kept. SciLink's finder makes its own spectrum of the
image; its module is read from the wheel, in the folder SPOTS_PEERS or else benchmarks/.cache
(pip download --no-deps --ignore-requires-python scilink==0.0.83 -d benchmarks/.cache). HyperSpy's
"stat" needs scikit-learn. The first-order finder of pyGPA (TAdeJong/pyGPA) is not on PyPI, where
that name is another package.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy import fft
from spots_images import Scene, judge
from spots_scenes import names, scene

from hyperspy_twin.spectra.transform import windowed_region

CACHE = Path(os.environ.get("SPOTS_PEERS", Path(__file__).parent / ".cache"))
LARGEST_FOR_SLOW = 512 * 512  # pixels
Finder = Callable[..., np.ndarray]


@dataclass(frozen=True)
class Peer:
    """A finder of (row, column) in a centred spectrum, and the settings it is searched over."""

    find: Finder
    settings: list[dict[str, Any]]
    slow: bool = False
    own_spectrum: bool = False


def spectrum(image_part: np.ndarray, kind: str) -> np.ndarray:
    """Centred spectrum of windowed pixels, as a logarithm from 0 to 1 or over its radial mean."""
    power = np.abs(fft.fftshift(fft.fft2(image_part))) ** 2
    logarithm = np.log(np.maximum(power, np.finfo(np.float32).tiny))
    if kind == "whitened":
        rows, columns = (np.arange(n) - n // 2 for n in power.shape)
        ring = np.hypot(rows[:, None] / len(rows), columns[None, :] / len(columns))
        ring = (ring * min(power.shape)).astype(int)
        count = np.maximum(np.bincount(ring.ravel()), 1)
        logarithm -= (np.bincount(ring.ravel(), logarithm.ravel()) / count)[ring]
    low, high = np.quantile(logarithm, 0.01), logarithm.max()
    if kind == "whitened":
        low, high = np.float64(-4.0), np.float64(20.0)
    return np.clip((logarithm - low) / (high - low), 0, 1)


def frequencies(points: np.ndarray, shape: tuple[int, int], scale: tuple) -> np.ndarray:
    """Half plane of (row, column) in a centred spectrum, as (x, y) in 1/nm."""
    points = np.asarray(points, float).reshape(-1, 2)
    points = points[np.isfinite(points).all(axis=1)]
    size = np.asarray(shape)
    turns = ((points - size // 2) / size)[:, ::-1]
    half = (turns[:, 0] > 0) | ((turns[:, 0] == 0) & (turns[:, 1] > 0))
    return turns[half] / scale


def hyperspy(method: str) -> Finder:
    """One of the finders behind `Signal2D.find_peaks`."""

    def find(picture: np.ndarray, **settings: Any) -> np.ndarray:
        import hyperspy.api as hs

        signal = hs.signals.Signal2D(picture)
        extra = {"exclude_border": False} if method == "local_max" else {}
        peaks = signal.find_peaks(
            method=method, interactive=False, show_progressbar=False, **extra, **settings
        )
        return peaks.data[0]

    return find


def skimage_local_max(picture: np.ndarray, min_distance: int, threshold: float) -> np.ndarray:
    """Local maxima by scikit-image."""
    from skimage.feature import peak_local_max

    return peak_local_max(
        picture, min_distance=min_distance, threshold_abs=threshold, exclude_border=False
    )


def scilink(image: np.ndarray, count: int) -> np.ndarray:
    """Take SciLink's strongest peaks of a Hann-windowed image, as (row, column)."""
    peaks = scilink_module().find_bragg_peaks(image, n=count)
    steps = [(y, x) for x, y, _ in peaks] + [(-y, -x) for x, y, _ in peaks]
    return np.array(steps, float).reshape(-1, 2) + np.array(image.shape) // 2


@cache
def scilink_module() -> Any:
    """Load SciLink's strain skill without the agents around it."""
    wheels = sorted(CACHE.glob("scilink-*.whl"))
    if not wheels:
        raise ImportError(f"no wheel of SciLink in {CACHE}: see the head of this file")
    folder = str(wheels[-1])
    for name in ("scilink", "scilink.skills", "scilink.skills._shared"):
        module = types.ModuleType(name)
        module.__path__ = ["/".join([folder, *name.split(".")])]
        sys.modules[name] = module
    from importlib import import_module

    return import_module("scilink.skills._shared.strain")


def grid_of(**values: tuple) -> list[dict[str, Any]]:
    """All combinations of settings."""
    return [
        dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())
    ]


def kinds(log: dict[str, tuple], whitened: dict[str, tuple]) -> list[dict[str, Any]]:
    """Combine settings for either kind of spectrum."""
    return grid_of(kind=("log",), **log) + grid_of(kind=("whitened",), **whitened)


LOG, WHITENED = (0.6, 0.7, 0.75, 0.8, 0.85), (0.29, 0.3, 0.31, 0.33, 0.36)
DISTANCE, SCALES = {"min_distance": (2, 4, 8, 14)}, {"min_sigma": (1.0,), "max_sigma": (3.0,)}
PEERS: dict[str, Peer] = {
    "skimage on log": Peer(skimage_local_max, grid_of(kind=("log",), threshold=LOG, **DISTANCE)),
    "skimage on whitened": Peer(
        skimage_local_max, grid_of(kind=("whitened",), threshold=WHITENED, **DISTANCE)
    ),
    "hyperspy local_max": Peer(
        hyperspy("local_max"),
        kinds({"threshold_abs": LOG, **DISTANCE}, {"threshold_abs": WHITENED, **DISTANCE}),
    ),
    "hyperspy max": Peer(
        hyperspy("max"),
        kinds(
            {"alpha": (4.0, 5.0, 6.0, 7.0), "distance": (3, 8)},
            {"alpha": (5.0, 5.5, 6.0, 6.5), "distance": (3, 8, 14)},
        ),
    ),
    "hyperspy minmax": Peer(
        hyperspy("minmax"),
        kinds(
            {"threshold": (0.5, 0.6, 0.7), "distance": (5, 9)},
            {"threshold": (0.3, 0.35, 0.4, 0.45, 0.5), "distance": (5, 9)},
        ),
    ),
    "hyperspy zaefferer": Peer(
        hyperspy("zaefferer"),
        grid_of(
            kind=("whitened",),
            grad_threshold=(0.08, 0.12, 0.2, 0.3),
            window_size=(4, 10),
            distance_cutoff=(5.0,),
        ),
        slow=True,
    ),
    "hyperspy stat": Peer(
        hyperspy("stat"),
        kinds(
            {"alpha": (1.0, 1.5, 2.0, 2.5), "window_radius": (10,)},
            {"alpha": (1.0, 1.5, 2.0, 2.5), "window_radius": (10,)},
        ),
        slow=True,
    ),
    "hyperspy LoG": Peer(
        hyperspy("laplacian_of_gaussian"),
        kinds(
            {"threshold": (0.3, 0.4, 0.5), "num_sigma": (3,), **SCALES},
            {"threshold": (0.15, 0.2, 0.22, 0.25, 0.28), "num_sigma": (3,), **SCALES},
        ),
        slow=True,
    ),
    "hyperspy DoG": Peer(
        hyperspy("difference_of_gaussian"),
        kinds(
            {"threshold": (0.1, 0.15, 0.2, 0.3), **SCALES},
            {"threshold": (0.04, 0.06, 0.08, 0.1, 0.13), **SCALES},
        ),
        slow=True,
    ),
    "SciLink": Peer(scilink, grid_of(count=(2, 4, 6, 10, 15, 25, 40)), own_spectrum=True),
}
BLOB = {"min_sigma": 1.0, "max_sigma": 3.0}
BEST: dict[str, dict[str, Any]] = {
    "skimage on log": {"kind": "log", "threshold": 0.8, "min_distance": 4},
    "skimage on whitened": {"kind": "whitened", "threshold": 0.31, "min_distance": 8},
    "hyperspy local_max": {"kind": "whitened", "threshold_abs": 0.31, "min_distance": 8},
    "hyperspy max": {"kind": "whitened", "alpha": 6.0, "distance": 8},
    "hyperspy minmax": {"kind": "whitened", "threshold": 0.3, "distance": 9},
    "hyperspy zaefferer": {
        "kind": "whitened",
        "grad_threshold": 0.12,
        "window_size": 10,
        "distance_cutoff": 5.0,
    },
    "hyperspy stat": {"kind": "log", "alpha": 1.5, "window_radius": 10},
    "hyperspy LoG": {"kind": "whitened", "threshold": 0.22, "num_sigma": 3, **BLOB},
    "hyperspy DoG": {"kind": "log", "threshold": 0.15, **BLOB},
    "SciLink": {"count": 10},
}


def run(peer: Peer, at: Scene, setting: dict[str, Any]) -> np.ndarray:
    """Positions that a peer finds in a scene, one of each Friedel pair."""
    region = windowed_region(at.image, at.grid, at.mask)
    setting = dict(setting)
    if peer.own_spectrum:
        picture = at.image if at.mask.all() else region.pixels
    else:
        picture = spectrum(region.pixels, setting.pop("kind"))
    return frequencies(peer.find(picture, **setting), picture.shape, region.grid.scale)


def too_large(name: str, at: Scene) -> bool:
    """Whether a scene is spared a slow peer."""
    return PEERS[name].slow and at.image.size > LARGEST_FOR_SLOW


def search(name: str, chosen: Iterable[tuple[str, str, int]]) -> None:
    """Print the scores of all settings of a peer, best first."""
    peer, settings = PEERS[name], PEERS[name].settings
    total, start, count = np.zeros((len(settings), 3)), time.perf_counter(), 0
    for which in chosen:
        at = scene(*which)
        if at.category == "powder" or at.image.size > LARGEST_FOR_SLOW:
            continue
        count += 1
        for row, setting in zip(total, settings, strict=True):
            verdict = judge(at.truth, run(peer, at, setting))
            row += verdict.hits, verdict.misses, verdict.false
    score = 2 * total[:, 0] / np.maximum(2 * total[:, 0] + total[:, 1] + total[:, 2], 1)
    seconds = (time.perf_counter() - start) / max(count * len(settings), 1)
    print(f"\n{name}: {count} scenes, {1000 * seconds:.0f} ms each, scene included")
    for place in np.argsort(-score)[:3]:
        print(f"  F1 {score[place]:.3f}  {settings[place]}", flush=True)


def main() -> None:
    """Search the settings of each peer on the tuning set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--every", type=int, default=8)
    arguments = parser.parse_args()
    for name in arguments.peers:
        try:
            search(name, names("tuning", arguments.every))
        except ImportError as error:
            print(f"\n{name} left out: {error}")


if __name__ == "__main__":
    main()
