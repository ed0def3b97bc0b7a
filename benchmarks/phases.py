"""Phases, zone axes and orientations from spots, beside peers and the Bayes ceiling.

Run: python benchmarks/phases.py [--set "0.5 %" "2 %" ...] [--half tuning|test] [--every n]
     [--methods ours pyxem ... ceiling] [--tune pyxem ...]

"ours" is `index_regions` with its defaults, "ours, told" is told how wrong the calibration of the
set may be, as the peers are where they search scales (phases_peers.py) and as the ceiling is
(phases_ceiling.py). Orientation errors are those of right zones, up to the symmetry of the crystal
and half a turn about the beam. "none" is the area under the curve that tells crystals in the list
from others at the same calibration error, by the method's own score. Time is that of one thread
after a first pattern. Intervals hold 95 % of bootstrap samples of the images; the difference is
that to the peer with the most right phases, on the same patterns. A peer that is not installed is
left out. Set OMP_NUM_THREADS=1 and NUMBA_NUM_THREADS=1 for the times.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
import phases_ceiling as ceiling
import phases_patterns as patterns
import phases_peers as peers
from phases_patterns import Pattern

from hyperspy_twin.core import Crystal
from hyperspy_twin.crystals import IndexingSettings, index_regions

SAMPLES = 2000
UNLISTED = ", not in the list"
Groups = list[list[Pattern]]


@dataclass(frozen=True)
class Verdict:
    """What one method says of one pattern: right or not, error in degrees, score of the list."""

    image: int
    phase: bool = False
    zone: bool = False
    error: float = np.nan
    listed: float = -np.inf


Method = Callable[..., list[Verdict]]


def judged(
    pattern: Pattern,
    crystal: Crystal,
    zone_axis: tuple[int, int, int],
    orientation: np.ndarray | None,
    listed: float,
) -> Verdict:
    """Compare an answer with the truth."""
    phase = crystal.name == pattern.phase
    zone = phase and patterns.same_zone(crystal, zone_axis, pattern.zone_axis)
    error = np.nan
    if zone and orientation is not None:
        error = patterns.misorientation(crystal, orientation, pattern.orientation)
    return Verdict(pattern.image, phase, zone, error, listed)


def ours(name: str, groups: Groups, told: bool) -> list[Verdict]:
    """Take the package's own answers."""
    drawn = patterns.SETS[name]
    crystals = peers.crystals_of(drawn)
    settings = IndexingSettings(calibration_error=max(drawn.calibration, 1e-4) if told else None)
    found = []
    for group in groups:
        regions = [one.peaks for one in group]
        for pattern, record in zip(group, index_regions(regions, crystals, settings), strict=True):
            if not record.ranking:
                found.append(Verdict(pattern.image))
                continue
            # Names of a tie have a fixed order; the most probable one counts here.
            first = max(record.ranking, key=attrgetter("probability"))
            listed = sum(one.probability for one in record.ranking)
            answer = (first.crystal, first.zone_axis, first.orientation, listed)
            found.append(judged(pattern, *answer))
    return found


def peer(name: str, groups: Groups, which: str) -> list[Verdict]:
    """Take the answers of a peer at its best setting."""
    drawn, every = patterns.SETS[name], [one for group in groups for one in group]
    setting, scales = peers.BEST[which], peers.BEST_SCALES[drawn.calibration > 0.02]
    matcher = peers.PEERS[which](peers.crystals_of(drawn), **setting)
    found = peers.answered(matcher, every, drawn.calibration, scales)
    return [
        judged(pattern, own[0].crystal, own[0].zone_axis, own[0].orientation, own[0].score)
        for pattern, own in zip(every, found, strict=True)
    ]


def bayes(name: str, groups: Groups, compared: bool = False) -> list[Verdict]:
    """Take the likeliest phase, and the likeliest zone, of who knows how patterns are drawn."""
    drawn = patterns.SETS[name]
    candidates = ceiling.zones(drawn.candidates, drawn.tilt, drawn.dark_field)
    owner = np.array([drawn.candidates.index(zone.phase) for zone in candidates])
    found = []
    for group in groups:
        evidence = ceiling.posterior(group, drawn, drawn.candidates)
        others = [np.zeros(1)] * len(group)
        if compared:
            others = ceiling.posterior(group, drawn, patterns.outsiders())
        for pattern, one, other in zip(group, evidence, others, strict=True):
            top, whole = one.max(), np.logaddexp.reduce(one)
            chances = np.bincount(owner, np.exp(one - top), len(drawn.candidates))
            zone = candidates[int(np.argmax(one))]
            found.append(
                Verdict(
                    pattern.image,
                    drawn.candidates[int(np.argmax(chances))] == pattern.phase,
                    (zone.phase, zone.axis) == (pattern.phase, pattern.zone_axis),
                    listed=float(np.nan_to_num(whole - np.logaddexp.reduce(other))),
                )
            )
    return found


METHODS: dict[str, Method] = {
    "ours": partial(ours, told=False),
    "ours, told": partial(ours, told=True),
    **{name: partial(peer, which=name) for name in peers.PEERS},
    "ceiling": bayes,
}


def usable(names: list[str]) -> list[str]:
    """Methods that answer to a first pattern; the others are named with the reason."""
    kept = []
    for name in names:
        try:
            METHODS[name]("0.5 %", images("0.5 %", "tuning")[:1])
        except ImportError as error:
            print(f"{name} left out: {str(error).splitlines()[0]}")
        else:
            kept.append(name)
    return kept


def images(name: str, half: str, every: int = 1) -> Groups:
    """Patterns of every n-th image of a set, whatever the cycle of the phases."""
    cycle = len(patterns.CANDIDATES_12)
    groups = [list(own) for _, own in groupby(patterns.frozen(name, half), lambda one: one.image)]
    return [group for n, group in enumerate(groups) if (n + n // cycle) % every == 0]


def resampled(found: list[Verdict]) -> np.ndarray:
    """Count how often each pattern is taken in bootstrap samples of the images, (samples, n)."""
    rng = np.random.default_rng(0)
    _, image = np.unique([one.image for one in found], return_inverse=True)
    count = image.max() + 1
    return rng.multinomial(count, np.full(count, 1 / count), SAMPLES)[:, image]


def interval(values: np.ndarray, taken: np.ndarray) -> str:
    """Mean and its interval."""
    low, high = np.quantile(taken @ values / taken.sum(axis=1), [0.025, 0.975])
    return f"{values.mean():.3f} [{low:.3f} {high:.3f}]"


def area(inside: np.ndarray, outside: np.ndarray) -> float:
    """Chance that a listed crystal scores higher than another one, ties counted half."""
    apart = inside[:, None] - outside
    return float((apart > 0).mean() + 0.5 * (apart == 0).mean())


def print_set(name: str, found: dict[str, list[Verdict]], times: dict[str, float]) -> None:
    """One line per method."""
    taken = resampled(next(iter(found.values())))
    rates = {n: np.array([(v.phase, v.zone) for v in own], float) for n, own in found.items()}
    rivals = [n for n in found if n in peers.PEERS]
    best = max(rivals, key=lambda n: rates[n].mean(axis=0)[0], default=None)
    print(
        f"\n{name:26}{'phase':>21}{'phase + zone':>22}{'error/°':>9}{'95 %':>7}{'ms':>8}"
        + (f"{f'phase - {best}':>28}{'+ zone':>24}" if best else "")
    )
    for method, own in found.items():
        errors = np.array([one.error for one in own if np.isfinite(one.error)])
        low, high = np.quantile(errors, [0.5, 0.95]) if len(errors) else (np.nan, np.nan)
        row = "".join(f"{interval(rates[method][:, c], taken):>22}" for c in (0, 1))
        row = f"{method:25}{row}{low:9.2f}{high:7.2f}{times[method]:8.2f}"
        if best and method != best:
            apart = rates[method] - rates[best]
            row += "".join(f"{interval(apart[:, c], taken):>26}" for c in (0, 1))
        print(row, flush=True)


def print_none(scores: dict[tuple[str, str], np.ndarray]) -> None:
    """Area under the curve of "none of these" of each method and calibration error."""
    names = [name for name in patterns.SETS if name + UNLISTED in patterns.SETS]
    methods = list(dict.fromkeys(method for _, method in scores))
    rng = np.random.default_rng(0)
    for name in names:
        if not all((name + end, method) in scores for end in ("", UNLISTED) for method in methods):
            continue
        print(f'\n{name}: "none of these"')
        for method in methods:
            both = [scores[name + end, method] for end in ("", UNLISTED)]
            drawn = [area(*(rng.choice(one, len(one)) for one in both)) for _ in range(200)]
            low, high = np.quantile(drawn, [0.025, 0.975])
            print(f"{method:25}{area(*both):8.3f} [{low:.3f} {high:.3f}]")


def tune(which: str, sets: list[str], every: int) -> None:
    """Print the best setting of a peer: options in turn, then scales, on the tuning half."""
    known: dict[str, float] = {}

    def tried(setting: dict[str, Any], scales: int = 1) -> float:
        key = f"{which} {setting}, scales {scales}"
        if key not in known:
            peers.BEST[which], peers.BEST_SCALES = setting, (scales, scales)
            each = [peer(name, images(name, "tuning", every), which) for name in sets]
            rates = np.array([[(one.phase, one.zone) for one in own] for own in each]).mean(axis=1)
            known[key] = float(rates.mean())
            print(
                f"{key}: " + ", ".join("{:.3f} {:.3f}".format(*rate) for rate in rates), flush=True
            )
        return known[key]

    best = dict(peers.BEST[which])
    for option, values in peers.SEARCHED[which].items():
        best = max(({**best, option: value} for value in values), key=tried)
    scales = max(peers.SCALES, key=lambda count: tried(best, count))
    print(f"{which}: best {best}, scales {scales}: {tried(best, scales):.3f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", nargs="+", choices=patterns.SETS, default=list(patterns.SETS))
    parser.add_argument("--half", choices=patterns.SEEDS, default="tuning")
    parser.add_argument("--every", type=int, default=1, help="every n-th image")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--tune", nargs="+", choices=peers.PEERS, help="search their settings")
    arguments = parser.parse_args()
    if arguments.tune:
        for which in usable(arguments.tune):
            tune(which, arguments.set, arguments.every)
        return
    methods = usable(arguments.methods)
    pairs = [{name, name + UNLISTED} for name in arguments.set]
    compared = set().union(*(pair for pair in pairs if pair <= set(arguments.set)))
    scores = {}
    for name in arguments.set:
        groups = images(name, arguments.half, arguments.every)
        count = sum(map(len, groups)) * len(patterns.SETS[name].candidates)
        found, times = {}, {}
        for method in methods:
            METHODS[method](name, groups[:1])
            start = time.perf_counter()
            extra = {"compared": True} if method == "ceiling" and name in compared else {}
            found[method] = METHODS[method](name, groups, **extra)
            times[method] = 1e3 * (time.perf_counter() - start) / count
            scores[name, method] = np.array([one.listed for one in found[method]])
        if not patterns.SETS[name].unlisted:
            print_set(f"{name} ({count // len(patterns.SETS[name].candidates)})", found, times)
    print_none(scores)


if __name__ == "__main__":
    main()
