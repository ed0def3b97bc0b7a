"""A map found on the micrograph by what both show, or refused."""

from __future__ import annotations

import math
from dataclasses import dataclass

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

# Places that are fitted.
MOST_CANDIDATES = 10
# Pixels of the map within which two places are the same.
SAME = 1.5
# Evidence of two places over what it is worth: the micrograph's own errors are the same in both.
OVERCONFIDENCE = 10.0
# Excess of the variance of the residual's mean above which structure is left in it. It is 1 to 2.2
# where fits of made images are right, and 7 to 18 in layers without the right texture.
LARGEST_EXCESS = 4.0
# Step along a direction that is not determined, in pixels of the map, and places that are fitted.
STEP_ALONG, MOST_ALONG = 0.5, 4
# Points per side that stand for a pixel's area there.
QUICK_POINTS = 3
# Walk of the rows, and steps of a fit, while rivals are compared.
QUICK_WALKS, QUICK_STEPS = (0.0,), 10


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
        if not known.all() and self.fit.excess > LARGEST_EXCESS:
            return (
                "along one direction they differ in what they show, so that the map was recorded "
                "elsewhere or shows another contrast"
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
    candidates = search_places(
        scene, recorded, linear, angle=angle, scale=scale, most=MOST_CANDIDATES
    )
    fits = [fit for one in candidates if (fit := _try(scene, recorded, one.matrix)) is not None]
    if not fits:
        return None
    field = float(np.hypot(*grid.extent)) / math.sqrt(12)
    fits.sort(key=lambda one: -_evidence(one, one))
    certainty = judge_fit(image, grid, recorded, fits[0], field=field)
    if certainty.determined.any() and not certainty.determined.all():
        (direction,) = certainty.directions[~certainty.determined]
        starts = _best_along(scene, recorded, fits[0], direction)
        tried = [_try(scene, recorded, start) for start in starts]
        fits = sorted(
            [*fits, *(fit for fit in tried if fit is not None)],
            key=lambda one: -_evidence(one, one),
        )
    best = fit_map(scene, recorded, fits[0].matrix)
    certainty = judge_fit(image, grid, recorded, best, field=field)
    free = certainty.directions[~certainty.determined]
    limit = SAME * unit * recorded.map_grid.pixel_size
    own, leads = _evidence(fits[0], best), []
    for fit in fits[1:]:
        away = _middle(recorded, fit) - _middle(recorded, best)
        away = away - free.T @ (free @ away)
        if np.hypot(*away) > limit:
            leads.append(own - _evidence(fit, best))
    return Found(best, certainty, tuple(leads))


def _try(scene: Scene, recorded: MapImage, matrix: np.ndarray) -> Fit | None:
    try:
        return fit_map(scene, recorded, matrix, walks=QUICK_WALKS, steps=QUICK_STEPS)
    except OutsideError:
        return None


def _evidence(fit: Fit, best: Fit) -> float:
    count = np.isfinite(fit.residual).sum() / best.excess
    return float(evidence_of(max(fit.correlation, 0.0), count))


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


def _middle(recorded: MapImage, fit: Fit) -> np.ndarray:
    grid = recorded.map_grid
    return fit.matrix @ [grid.x.mean(), grid.y.mean(), 1.0]
