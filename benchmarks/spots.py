"""Precision, recall, position error, state and time of spot finding, beside theory and peers.

Run: python benchmarks/spots.py [--methods gaussian SciLink ...] [--set tuning|test] [--every n]
     [--tier multislice] [--figure curve.png]

Spots of a spectral signal-to-noise ratio above 20 have to be found; from 3 to 20 a spot is neither
a hit nor false, but counts for the recall beside the curve of theory (Marcum's Q for the package's
false-alarm rate). Nobody is judged below 6 periods per field or above 0.4 periods per pixel. A
powder is judged by its state only. The test set is frozen: tune on the tuning set.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import spots_peers
import spots_scenes
from spots_images import WEAKEST, Scene, in_band, judge, must_find, separation

from hyperspy_twin.spectra.crystallinity import NO_LATTICE
from hyperspy_twin.spectra.detection.candidates import detection_threshold
from hyperspy_twin.spectra.methods import METHODS as OURS
from hyperspy_twin.spectra.methods import find_region_peaks
from hyperspy_twin.spectra.transform import windowed_region

FALSE_ALARMS = 0.05  # the package's default, for the curve of theory
EDGES = np.array([WEAKEST, 5, 7, 10, 14, 20, 30, 50, 100])
EXACT = ("single", "tilted")  # categories whose position error has a bound to stand beside
STATES = ("no lattice seen", "single crystal", "several crystals", "powder", "fringes")
WORKERS = 2
Answer = tuple[np.ndarray, str | None]
Method = Callable[[Scene], Answer]


@dataclass(frozen=True)
class Score:
    """What one method reaches on one scene.

    `seconds` by the clock, `worked` seconds of processor time of all threads. `errors` (n, 2):
    squared position error over the bound of the windowed and of all pixels, mean of both
    directions. `curve` (n, 3): SNR of an isolated spot, theoretical chance, found or not.
    """

    method: str
    category: str
    pixels: int
    hits: int
    misses: int
    false: int
    state: str | None
    true_state: str | None
    seconds: float
    worked: float
    errors: np.ndarray
    curve: np.ndarray


def ours(name: str) -> Method:
    """Take one method of the package."""

    def method(at: Scene) -> Answer:
        found = find_region_peaks(at.image, at.grid, at.mask, method=name)
        # Whether a film has a halo is another question.
        state = found.crystallinity
        return found.peaks.position, NO_LATTICE if state.without_lattice else state.name

    return method


def peer(name: str) -> Method:
    """Take a peer at its best setting."""
    setting = spots_peers.BEST.get(name)
    if setting is None:
        raise ImportError("no setting is written down: run spots_peers.py")
    return lambda at: (spots_peers.run(spots_peers.PEERS[name], at, setting), None)


METHODS: dict[str, Callable[[], Method]] = {
    **{name: partial(ours, name) for name in OURS},
    **{name: partial(peer, name) for name in spots_peers.PEERS},
}


def theory(snr: np.ndarray, at: Scene) -> np.ndarray:
    """Chance that a wave in exponential noise passes the threshold: Marcum's Q function."""
    from scipy.stats import ncx2

    region = windowed_region(at.image, at.grid, at.mask)
    return ncx2.sf(2 * detection_threshold(region, FALSE_ALARMS), 2, 2 * snr)


def position_errors(at: Scene, found: np.ndarray, partner: np.ndarray) -> np.ndarray:
    """Squared errors over their bounds, (n, 2), of isolated spots that have to be found."""
    truth = at.truth
    if at.category not in EXACT:
        return np.zeros((0, 2))
    kept = np.flatnonzero(must_find(truth) & (truth.leaked < 0.05) & (partner >= 0))
    found = found[in_band(found, truth.grid)]
    signs = np.array([1, -1])[:, None, None]
    apart = found[partner[kept]] - signs * truth.position[kept]
    nearer = np.argmin((apart**2).sum(axis=2), axis=0)
    error = apart[nearer, np.arange(len(kept))]
    bounds = [np.linalg.inv(bound) for bound in (truth.windowed, truth.plain)]
    squares = [np.einsum("nx,xy,ny->n", error, inverse, error) / 2 for inverse in bounds]
    return np.stack(squares, axis=1) * truth.snr[kept, None]


def recall_curve(at: Scene, partner: np.ndarray) -> np.ndarray:
    """SNR, theoretical chance and success (n, 3) of spots with no other near."""
    truth = at.truth
    if not len(truth.snr):
        return np.zeros((0, 3))
    lone = (separation(truth) < 1).sum(axis=1) == 1
    kept = lone & (truth.leaked < 0.25) & in_band(truth.position, truth.grid)
    kept &= (truth.snr < EDGES[-1]) & (truth.lattice >= 0)
    chance = theory(truth.snr[kept], at)
    return np.stack([truth.snr[kept], chance, partner[kept] >= 0], axis=1)


def score(name: str, method: Method, at: Scene) -> Score:
    """Run one method on one scene."""
    start, worked = time.perf_counter(), time.process_time()
    found, state = method(at)
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    verdict = judge(at.truth, found)
    counts = (verdict.hits, verdict.misses, verdict.false)
    errors, curve = position_errors(at, found, verdict.partner), recall_curve(at, verdict.partner)
    pixels = at.truth.grid.shape[0] * at.truth.grid.shape[1]
    return Score(
        name, at.category, pixels, *counts, state, at.truth.state, seconds, worked, errors, curve
    )  # fmt: skip


_ready: dict[str, Method] = {}


def prepare(methods: list[str]) -> None:
    """Load the methods in a worker and compile their kernels."""
    first = spots_scenes.scene("tuning", "single", 0)
    for name in methods:
        _ready[name] = METHODS[name]()
        if not (name in spots_peers.PEERS and spots_peers.too_large(name, first)):
            _ready[name](first)


def measure(job: tuple[Callable[..., Scene], tuple]) -> list[Score]:
    """All methods on one scene."""
    make, arguments = job
    at = make(*arguments)
    spared = {n for n in _ready if n in spots_peers.PEERS and spots_peers.too_large(n, at)}
    return [score(name, method, at) for name, method in _ready.items() if name not in spared]


def usable(names: list[str]) -> list[str]:
    """Methods that answer on a scene of the tuning set; the others are named with the reason."""
    kept = []
    for name in names:
        try:
            METHODS[name]()(spots_scenes.scene("tuning", "single", 6))
        except (ImportError, ValueError, TypeError, OSError) as error:
            print(f"{name} left out: {str(error).splitlines()[0]}")
        else:
            kept.append(name)
    return kept


def ratios(scores: list[Score]) -> tuple[float, float, float]:
    """Precision, recall and F1 of pooled counts; a powder has no spots to judge."""
    own = [s for s in scores if s.category != "powder"]
    hits, misses, false = (sum(getattr(s, n) for s in own) for n in ("hits", "misses", "false"))
    if hits + misses == 0:
        return np.nan, np.nan, np.nan
    precision = hits / (hits + false) if hits + false else np.nan
    return precision, hits / (hits + misses), 2 * hits / (2 * hits + misses + false)


def print_summary(scores: dict[str, list[Score]]) -> None:
    """One line per method."""
    print(
        f"\n{'method':20}{'scenes':>7}{'P':>7}{'R':>7}{'F1':>7}{'F1/scene':>9}{'false/noise':>12}"
        f"{'/amorphous':>11}{'error/bound':>12}{'median':>8}{'/all px':>8}{'state':>7}"
        f"{'cpu ms':>8}{'1024²':>7}{'clock':>7}"
    )
    for name, own in scores.items():
        empty = [np.mean([s.false for s in own if s.category == c] or np.nan)
                 for c in ("noise", "amorphous")]  # fmt: skip
        each = [ratios([s])[2] for s in own if s.category != "powder"]
        squares = np.concatenate([s.errors for s in own])
        error = np.sqrt(squares.mean(axis=0)) if len(squares) else [np.nan, np.nan]
        typical = np.sqrt(np.median(squares[:, 0]) / np.log(2)) if len(squares) else np.nan
        told = [s.state == s.true_state for s in own if s.state and s.true_state]
        large = [(s.worked, s.seconds) for s in own if s.pixels == 1024**2] or [(np.nan, np.nan)]
        times = [np.mean([s.worked for s in own]), *np.median(large, axis=0)]
        print(
            f"{name:20}{len(own):7}" + "".join(f"{r:7.3f}" for r in ratios(own))
            + f"{np.nanmean(each):9.3f}{empty[0]:12.2f}{empty[1]:11.2f}"
            + f"{error[0]:12.2f}{typical:8.2f}{error[1]:8.2f}"
            + f"{np.mean(told) if told else np.nan:7.3f}"
            + "".join(f"{1000 * t:{w}.0f}" for t, w in zip(times, (8, 7, 7), strict=True))
        )  # fmt: skip


def print_categories(scores: dict[str, list[Score]]) -> None:
    """Precision, recall and F1 per category; false spots per image where there are no spots."""
    for name, own in scores.items():
        print(f"\n{name:18}{'scenes':>7}{'spots':>7}{'P':>7}{'R':>7}{'F1':>7}{'false/image':>12}")
        for category in dict.fromkeys(s.category for s in own):
            here = [s for s in own if s.category == category]
            spots = sum(s.hits + s.misses for s in here)
            row = "".join(f"{r:7.3f}" for r in ratios(here))
            false = np.mean([s.false for s in here])
            print(f"{category:18}{len(here):7}{spots:7}{row}{false:12.2f}")


def print_states(scores: dict[str, list[Score]]) -> None:
    """Confusion of the states, rows true and columns answered."""
    for name, own in scores.items():
        table = Counter((s.true_state, s.state) for s in own if s.state and s.true_state)
        if not table:
            continue
        answers = [*STATES, *sorted({state for _, state in table} - set(STATES))]
        answers = [a for a in answers if any(found == a for _, found in table)]
        print(f"\nstates by {name:14}" + "".join(f"{a:>18}" for a in answers))
        for true in STATES:
            print(f"{true:24}" + "".join(f"{table[true, a]:18}" for a in answers))


def print_curve(scores: dict[str, list[Score]]) -> dict[str, np.ndarray]:
    """Recall of isolated spots against their SNR; returns the rows, theory first."""
    curves = {name: np.concatenate([s.curve for s in own]) for name, own in scores.items()}
    rows: dict[str, np.ndarray] = {}
    for name, curve in curves.items():
        which = np.digitize(curve[:, 0], EDGES) - 1
        count = np.bincount(which, minlength=len(EDGES) - 1)
        means = [np.bincount(which, curve[:, c], len(count)) / np.maximum(count, 1) for c in (1, 2)]
        rows.setdefault("spots", count)
        rows.setdefault("theory", means[0])
        rows[name] = means[1]
        if not np.array_equal(count, rows["spots"]):
            rows[name + ": theory"] = means[0]
    bins = [f"{low:g}-{high:g}" for low, high in zip(EDGES[:-1], EDGES[1:], strict=True)]
    print(f"\n{'recall at an SNR of':28}" + "".join(f"{name:>9}" for name in bins))
    for name, row in rows.items():
        form = "9d" if name == "spots" else "9.3f"
        print(f"{name:28}" + "".join(f"{value:{form}}" for value in row))
    return rows


def draw(rows: dict[str, np.ndarray], path: Path) -> None:
    """Draw the recall against SNR beside theory."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    centres = np.sqrt(EDGES[:-1] * EDGES[1:])
    for name, row in rows.items():
        if name != "spots" and not name.endswith(": theory"):
            style = {"color": "black", "linewidth": 2} if name == "theory" else {"marker": "o"}
            axes.semilogx(centres, row, label="Marcum Q" if name == "theory" else name, **style)
    axes.axvspan(10, 20, color="0.92")
    axes.set(xlabel="spectral signal-to-noise ratio", ylabel="recall", ylim=(-0.02, 1.02))
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=150)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--set", choices=spots_scenes.SEEDS, default="tuning")
    parser.add_argument("--every", type=int, default=1, help="every n-th scene of each category")
    parser.add_argument("--tier", choices=("synthetic", "multislice"), default="synthetic")
    parser.add_argument("--figure", type=Path, help="where to draw the recall")
    arguments = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    methods = usable(arguments.methods)
    jobs = [
        (spots_scenes.scene, name) for name in spots_scenes.names(arguments.set, arguments.every)
    ]
    if arguments.tier == "multislice":
        import spots_multislice

        jobs = [(spots_multislice.scene, name) for name in spots_multislice.names(arguments.set)]
    start = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with context.Pool(WORKERS, prepare, (methods,)) as pool:
        found = [s for own in pool.imap_unordered(measure, jobs) for s in own]
    print(f"{len(jobs)} scenes of the {arguments.set} set in {time.perf_counter() - start:.0f} s")
    scores = {name: [s for s in found if s.method == name] for name in methods}
    print_summary(scores)
    print_categories(scores)
    print_states(scores)
    rows = print_curve(scores)
    if arguments.figure:
        draw(rows, arguments.figure)


if __name__ == "__main__":
    main()
