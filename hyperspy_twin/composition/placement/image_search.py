"""A map found on the micrograph by what both show, or refused."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hyperspy_twin.composition.placement.certainty import Certainty, judge_fit
from hyperspy_twin.composition.placement.fit import Fit, OutsideError, fit_map
from hyperspy_twin.composition.placement.recorded import MapImage
from hyperspy_twin.composition.placement.scenes import Scene, prepare_scene, sample_area
from hyperspy_twin.composition.placement.search import (
    SMALLEST_OVERLAP,
    evidence_of,
    search_places,
)
from hyperspy_twin.core import Grid

# Places of the search, at most.
MOST_PLACES = 300
# Places that are fitted: those with this part of the best one's evidence, of which the steps of the
# search cost up to 10 % where dots repeat; at least, and at most. Where layers leave one direction
# open, places along it hide the other layers, and some more are fitted across.
PROMISING, FEWEST_CANDIDATES, MOST_CANDIDATES = 0.8, 10, 40
MOST_ACROSS = 10
# Pixels of the map (root mean square over it) within which two places are the same.
SAME = 1.5
# Turns of the best place that are fitted as rivals, over the tolerance of the angle: what is round
# does not tell it.
TURNS = (-1.0, 1.0)
# Evidence of two places over what it is worth: the micrograph's own errors are the same in both.
OVERCONFIDENCE = 10.0
# Excess of the variance of the residual's mean above which structure is left in it. Where fits of
# made images are right it is below 2.2 in 95 % and below 3.3 in 98 % (benchmarks/placement.py), and
# mostly 5 to 18 where the micrograph lacks what the map shows.
LARGEST_EXCESS = 4.0
# Step along a direction that is not determined, in pixels of the map, and places that are fitted.
STEP_ALONG, MOST_ALONG = 0.5, 4
# Points per side that stand for a pixel's area there.
QUICK_POINTS = 3
# Walk of the rows, and steps of a fit, while places are chosen, and rivals that are fitted in full.
QUICK_WALKS, QUICK_STEPS = (0.0,), 10
MOST_RIVALS = 3


@dataclass(frozen=True, eq=False)
class Found:
    """The best place of a map, and what speaks against it.

    Attributes
    ----------
    fit
        Of the map.
    certainty
        Of its position.
    leads
        Evidence over that of each other place, those along a direction that is not determined
        not counted.
    """

    fit: Fit
    certainty: Certainty
    leads: tuple[float, ...]

    @property
    def probability(self) -> float:
        """Share of the place in the likelihood of all that were found."""
        odds = np.exp(-np.clip(np.array(self.leads) / OVERCONFIDENCE, -50.0, 50.0))
        return 1.0 / (1.0 + float(odds.sum()))

    @property
    def doubt(self) -> str:
        """What speaks against any place; empty where nothing does."""
        known = self.certainty.determined
        if not known.any():
            return "the micrograph does not show the structure of the map"
        if self.fit.excess > LARGEST_EXCESS:
            return (
                "they differ in what they show, so that the map was recorded elsewhere or shows "
                "another contrast"
            )
        return ""


def find_place(
    image: np.ndarray,
    grid: Grid,
    recorded: MapImage,
    linear: np.ndarray,
    *,
    angle: float,
    scale: float,
) -> Found | None:
    """Find the best place of a map on a micrograph, and its rivals.

    Parameters
    ----------
    image, grid
        The micrograph and its grid.
    recorded
        What was recorded with the map.
    linear
        From the units of the map to those of the micrograph without rotation, shape (2, 2).
    angle
        Tolerance of the rotation, in radians.
    scale
        Tolerance of the ratio of lengths.

    Returns
    -------
    Found or None
        None where the map fits nowhere on the micrograph.
    """
    unit = math.sqrt(abs(np.linalg.det(linear)))
    pixel = unit * recorded.grid.pixel_size
    scene = prepare_scene(image, grid, pixel)
    candidates = search_places(scene, recorded, linear, angle=angle, scale=scale, most=MOST_PLACES)
    starts = [one.matrix for one in candidates]
    good = sum(one.evidence >= PROMISING * candidates[0].evidence for one in candidates)
    count = min(max(good, FEWEST_CANDIDATES), MOST_CANDIDATES)
    fits = _try(scene, recorded, starts[:count], quick=True)
    if not fits:
        return None
    field = float(np.hypot(*grid.extent)) / math.sqrt(12)
    limit = SAME * unit * recorded.map_grid.pixel_size
    certainty = judge_fit(image, grid, recorded, fits[0], field=field)
    if certainty.determined.any() and not certainty.determined.all():
        (direction,) = certainty.directions[~certainty.determined]
        more = _best_along(scene, recorded, fits[0], direction)
        more += _spread_across(recorded, fits[0].matrix, starts, direction, limit)
        fits = _ordered([*fits, *_try(scene, recorded, more, quick=True)])
    turned = [_turn(recorded, fits[0], angle * part) for part in TURNS] if angle else []
    fits = [*fits, *_try(scene, recorded, turned, quick=True)]
    whole = _try(scene, recorded, [fits[0].matrix])
    if not whole:
        return None
    best = whole[0]
    certainty = judge_fit(image, grid, recorded, best, field=field)
    free = certainty.directions[~certainty.determined]

    def differs(fit: Fit) -> bool:
        return _distance(recorded, fit.matrix, best.matrix, free) > limit

    rivals = sorted(filter(differs, fits[1:]), key=lambda one: -_evidence(one, best))
    leads = [_evidence(fits[0], best) - _evidence(one, best) for one in rivals[MOST_RIVALS:]]
    # Without the walk of the rows, which of several repeats fits best is left to chance.
    strongest = _try(scene, recorded, [one.matrix for one in rivals[:MOST_RIVALS]])
    own = _evidence(best, best)
    leads += [own - _evidence(one, best) for one in strongest if differs(one)]
    return Found(best, certainty, tuple(leads))


def _try(
    scene: Scene, recorded: MapImage, starts: list[np.ndarray], *, quick: bool = False
) -> list[Fit]:
    """Fits that begin at some matrices and stay on the micrograph, the best first."""
    options: dict[str, Any] = {"walks": QUICK_WALKS, "steps": QUICK_STEPS} if quick else {}
    fits = []
    for matrix in starts:
        with contextlib.suppress(OutsideError):
            fits.append(fit_map(scene, recorded, matrix, **options))
    return _ordered(fits)


def _ordered(fits: list[Fit]) -> list[Fit]:
    """Fits, the best first."""
    return sorted(fits, key=lambda one: -_evidence(one, one))


def _evidence(fit: Fit, best: Fit) -> float:
    """Evidence of a fit, had it as many pixels on the micrograph as the best.

    What lies beside the micrograph speaks neither for a place nor against it.
    """
    count = np.isfinite(best.residual).sum() / best.excess
    return float(evidence_of(max(fit.correlation, 0.0), count))


def _distance(recorded: MapImage, one: np.ndarray, other: np.ndarray, free: np.ndarray) -> float:
    """Root-mean-square distance of the pixels at two places, but for free directions."""
    points = np.column_stack([recorded.points, np.ones(len(recorded.points))])
    away = points @ (one - other).T
    away = away - (away @ free.T) @ free
    return float(np.sqrt(np.square(away).sum(axis=1).mean()))


def _spread_across(
    recorded: MapImage,
    best: np.ndarray,
    starts: list[np.ndarray],
    direction: np.ndarray,
    limit: float,
) -> list[np.ndarray]:
    """Best starts that differ from one another and from a place across a direction."""
    kept: list[np.ndarray] = []
    for start in starts:
        near = (_distance(recorded, start, one, direction[None]) <= limit for one in [best, *kept])
        if not any(near):
            kept.append(start)
        if len(kept) == MOST_ACROSS:
            break
    return kept


def _turn(recorded: MapImage, fit: Fit, angle: float) -> np.ndarray:
    """Matrix of a place that is turned about the middle of what it shows."""
    weight = np.nan_to_num(np.square(fit.slope).sum(axis=-1)).ravel()
    points = recorded.points @ fit.matrix[:, :2].T + fit.matrix[:, 2]
    middle = weight @ points / max(weight.sum(), np.finfo(float).tiny)
    cosine, sine = math.cos(angle), math.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    shift = np.column_stack([np.zeros((2, 2)), middle])
    return turn @ (fit.matrix - shift) + shift


def _best_along(
    scene: Scene, recorded: MapImage, fit: Fit, direction: np.ndarray
) -> list[np.ndarray]:
    """Matrices of the best places along a direction in which a fit is not determined."""
    linear = fit.matrix[:, :2]
    unit = math.sqrt(abs(np.linalg.det(linear))) * recorded.map_grid.pixel_size
    area = sample_area(linear, recorded.grid.scale, unit / QUICK_POINTS)
    centres = recorded.points @ linear.T + fit.matrix[:, 2]
    own = recorded.values.ravel()
    reach = math.ceil(float(np.hypot(*scene.grid.extent)) / (STEP_ALONG * unit))
    moves = np.arange(-reach, reach + 1) * STEP_ALONG * unit
    # Places that are nearly off the micrograph are spared the look.
    size = np.array(scene.grid.shape[::-1]) - 1
    kept = [
        move
        for move in moves
        if np.mean(
            np.all(
                np.abs(scene.grid.to_pixels(centres + move * direction) - size / 2) <= size / 2,
                axis=1,
            )
        )
        >= SMALLEST_OVERLAP
    ]
    found = []
    for move in kept:
        value, _, inside = scene.look(centres + move * direction, area)
        good = inside & np.isfinite(own)
        pair = value[good], own[good]
        flat = good.sum() < 4 or np.ptp(pair[0]) == 0 or np.ptp(pair[1]) == 0
        correlation = 0.0 if flat else max(float(np.corrcoef(*pair)[0, 1]), 0.0)
        found.append(float(evidence_of(correlation, good.sum())))
    evidence = np.array([-np.inf, *found, -np.inf])
    peaks = np.flatnonzero((evidence[1:-1] >= evidence[:-2]) & (evidence[1:-1] >= evidence[2:]))
    order = peaks[np.argsort(-evidence[1:-1][peaks], kind="stable")][:MOST_ALONG]
    matrices = []
    for number in order:
        matrix = fit.matrix.copy()
        matrix[:, 2] += kept[number] * direction
        matrices.append(matrix)
    return matrices
