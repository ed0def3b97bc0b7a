"""One pixel size and one distortion for all regions of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hyperspy_twin.crystals.indexing.evidence import DISTORTION_SD, ScalePrior, log_scale_density
from hyperspy_twin.crystals.indexing.matches import Match
from hyperspy_twin.crystals.indexing.peak_indexing import index_spots

REGION_SPREAD = 0.008  # relative spread of lattice spacings that strain leaves between regions

RegionInput = tuple[ArrayLike, ArrayLike, ArrayLike]


@dataclass(frozen=True)
class Calibration:
    """What an image makes of true reciprocal vectors: nominal = scale * distortion @ true.

    Attributes
    ----------
    scale
        True over nominal length.
    distortion
        Symmetric matrix of trace 2, shape (2, 2).
    """

    scale: float
    distortion: np.ndarray

    def corrected(self, region: RegionInput) -> RegionInput:
        """Spots, errors and intensities as an image without these faults would show them."""
        spots, error, intensity = region
        xy = np.asarray(spots, float).reshape(-1, 2)
        sd = np.broadcast_to(np.asarray(error, float), xy.shape)
        return xy @ np.linalg.inv(self.distortion) / self.scale, sd / self.scale, intensity

    def restored(self, match: Match) -> Match:
        """Explain the nominal spots by a match of the corrected ones."""
        whole = self.scale * self.distortion @ (match.scale * match.distortion)
        # The product of two distortions turns a little, too.
        left, size, right = np.linalg.svd(whole)
        turn, stretch = left @ right, left @ np.diag(size) @ left.T
        scale = 0.5 * float(size.sum())
        rotation = np.eye(3)
        rotation[:2, :2] = turn
        return replace(
            match,
            scale=scale,
            distortion=stretch / scale,
            orientation=rotation @ match.orientation,
        )


def searched_again(
    found: list[list[Match]],
    regions: Sequence[RegionInput],
    candidates: list[Any],
    unknown: np.ndarray,
    prior: ScalePrior,
    options: dict[str, Any],
) -> list[list[Match]]:
    """Add what each region looks like at the scale that all of them suggest.

    Without a pixel size the search of a single region may keep a wrong scale of the right zone.

    Parameters
    ----------
    found
        Matches of each region.
    regions
        Spots, errors and intensities of each region.
    candidates
        The crystals.
    unknown
        As for :func:`score_jointly`.
    prior
        Distribution of ln(scale) behind the scores in ``found``.
    options
        Further options of :func:`hyperspy_twin.crystals.indexing.peak_indexing.index_spots`.

    Returns
    -------
    list of list of Match
        The given matches and the new ones, scored alike.
    """
    centres = _centres(found)
    if not len(centres):
        return found
    suggested = centres[np.argmax(_profile(found, centres, unknown, prior)[0])]
    common = Calibration(float(np.exp(suggested[0])), np.eye(2))
    near = ScalePrior(0.0, 0.01)
    extended = []
    for matches, region in zip(found, regions, strict=True):
        again = index_spots(*common.corrected(region), candidates, scale_prior=near, **options)
        extended.append(matches + [_rescored(common.restored(m), m, near, prior) for m in again])
    return extended


def _rescored(match: Match, before: Match, old: ScalePrior, new: ScalePrior) -> Match:
    """Score of a match under another distribution of scales."""
    return replace(
        match, score=before.score - scale_density(before, old) + scale_density(match, new)
    )


def scale_density(match: Match, prior: ScalePrior) -> float:
    """Logarithm of the density of the scale of a match, which its score holds."""
    return float(log_scale_density(np.log(match.scale), match.scale_error, prior))


def common_calibration(found: Sequence[Match]) -> Calibration | None:
    """Pixel size and distortion on which accepted explanations agree, weighted by their scores.

    Parameters
    ----------
    found
        One match for each region that has one.

    Returns
    -------
    Calibration or None
        None where there is no match.
    """
    if not found:
        return None
    values = np.array([_image_of(match) for match in found])
    weights = np.array([max(match.score, 1.0) for match in found])
    centre = values[np.argmax(weights)]
    near = np.abs(values - centre).max(axis=1) < 3 * REGION_SPREAD
    scale, stretch, shear = np.average(values[near], axis=0, weights=weights[near])
    distortion = np.eye(2) + np.array([[stretch, shear], [shear, -stretch]])
    return Calibration(float(np.exp(scale)), distortion)


def _image_of(match: Match) -> tuple[float, float, float]:
    """Scale (its logarithm), stretch and shear that a match asks for."""
    return float(np.log(match.scale)), match.distortion[0, 0] - 1, match.distortion[0, 1]


def _centres(found: list[list[Match]]) -> np.ndarray:
    """Scales and distortions that any plausible explanation implies, shape (n, 3)."""
    values = [_image_of(match) for matches in found for match in matches if match.score > 0]
    return np.unique(np.round(np.array(values).reshape(-1, 3), 3), axis=0)


def _log_prior(image: np.ndarray, error: np.ndarray, prior: ScalePrior) -> np.ndarray:
    """Prior of scale and distortion, shape (n,), of values of the shape (n, 3)."""
    scale = np.array(
        [log_scale_density(value, sd, prior) for value, sd in zip(image[:, 0], error, strict=True)]
    )
    squared = (image[:, 1:] ** 2).sum(axis=1) / DISTORTION_SD**2
    return scale - 0.5 * squared - np.log(2 * np.pi * DISTORTION_SD**2)


def _profile(
    found: list[list[Match]], centres: np.ndarray, unknown: np.ndarray, prior: ScalePrior
) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Evidence of all regions for each common value, of each region, and of each match."""
    single: list[np.ndarray] = []
    for matches in found:
        image = np.array([_image_of(match) for match in matches]).reshape(-1, 3)
        error = np.array([match.scale_error for match in matches])
        free = np.array([match.score for match in matches]) - _log_prior(image, error, prior)
        spread = np.hypot(REGION_SPREAD, error)[:, None]
        away = (image[:, None] - centres) / spread[..., None]
        scale = -np.log(np.pi * spread * (1 + away[..., 0] ** 2))
        # Cauchy's distribution in two dimensions.
        squared = (away[..., 1:] ** 2).sum(axis=-1)
        shape = -np.log(2 * np.pi * spread**2) - 1.5 * np.log1p(squared)
        single.append(free[:, None] + scale + shape)
    best = [table.max(axis=0, initial=least) for table, least in zip(single, unknown, strict=True)]
    return _log_prior(centres, np.zeros(len(centres)), prior) + sum(best), best, single


def score_jointly(
    found: list[list[Match]], unknown: np.ndarray, prior: ScalePrior
) -> list[list[Match]]:
    """Score every match together with the best that it leaves for the other regions.

    Parameters
    ----------
    found
        Matches of each region.
    unknown
        Logarithm of the evidence of each region for none of the candidates, which no common value
        binds, shape (regions,).
    prior
        Distribution of ln(scale) behind the scores.

    Returns
    -------
    list of list of Match
        The same matches. A scale that only one region asks for costs it what the others lose.
    """
    centres = _centres(found)
    if not len(centres):
        return found
    total, best, single = _profile(found, centres, unknown, prior)
    result = []
    for matches, own, table in zip(found, best, single, strict=True):
        others = total - own
        result.append(
            [
                replace(match, score=float((others + row).max() - others.max()))
                for match, row in zip(matches, table, strict=True)
            ]
        )
    return result
