"""One pixel size and one distortion for all regions of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hyperspy_twin.core import Crystal, OrientedCrystal, Peaks
from hyperspy_twin.crystals.evidence import DISTORTION_SD, ScalePrior, log_scale_density
from hyperspy_twin.crystals.indexing.matches import Match
from hyperspy_twin.crystals.indexing.peak_indexing import index_peaks
from hyperspy_twin.crystals.indexing.settings import IndexingSettings

REGION_SPREAD = 0.008  # relative spread of lattice spacings that strain leaves between regions
# Prior of ln(scale) once all regions together have suggested one; its width is about REGION_SPREAD.
NEAR_SUGGESTED = ScalePrior(0.0, 0.01)


@dataclass(frozen=True, eq=False)
class ImageScale:
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

    def correct(self, peaks: Peaks) -> Peaks:
        """Peaks as an image without these faults would show them."""
        xy = np.asarray(peaks.position, float).reshape(-1, 2)
        sd = np.broadcast_to(np.asarray(peaks.error, float), xy.shape)
        position = xy @ np.linalg.inv(self.distortion) / self.scale
        return replace(peaks, position=position, error=sd / self.scale)

    def restore(self, match: Match) -> Match:
        """Explain the nominal peaks by a match of the corrected ones."""
        whole = self.scale * self.distortion @ (match.scale * match.distortion)
        # The product of two distortions turns a little, too.
        left, size, right = np.linalg.svd(whole)
        turn, stretch = left @ right, left @ np.diag(size) @ left.T
        scale = 0.5 * float(size.sum())
        rotation = np.eye(3)
        rotation[:2, :2] = turn
        turned = OrientedCrystal(match.crystal, match.zone_axis, rotation @ match.orientation)
        return replace(match, oriented=turned, scale=scale, distortion=stretch / scale)


def search_again(
    found: list[list[Match]],
    regions: Sequence[Peaks],
    candidates: list[Crystal],
    settings: IndexingSettings,
    *,
    unknown: np.ndarray,
) -> list[list[Match]]:
    """Add what each region looks like at the scale that all of them suggest, scored alike.

    Without a pixel size the search of a single region may keep a wrong scale of the right zone.
    ``unknown`` is as for :func:`score_jointly`.
    """
    centres = _centres(found)
    if not len(centres):
        return found
    suggested = centres[np.argmax(_profile(found, centres, unknown, settings.prior)[0])]
    common = ImageScale(float(np.exp(suggested[0])), np.eye(2))
    near = replace(settings, calibrated=True, scale_prior=NEAR_SUGGESTED)
    extended = []
    for matches, peaks in zip(found, regions, strict=True):
        again = index_peaks(common.correct(peaks), candidates, near)
        extended.append(matches + [_rescore(common.restore(m), m, settings.prior) for m in again])
    return extended


def _rescore(match: Match, before: Match, prior: ScalePrior) -> Match:
    """Score a match at the suggested scale under the distribution of scales of all matches."""
    score = before.score - scale_density(before, NEAR_SUGGESTED) + scale_density(match, prior)
    return replace(match, score=score)


def scale_density(match: Match, prior: ScalePrior) -> float:
    """Logarithm of the density of the scale of a match, which its score holds."""
    return float(log_scale_density(np.log(match.scale), match.scale_error, prior))


def find_common_scale(found: Sequence[Match]) -> ImageScale | None:
    """Pixel size and distortion on which accepted explanations agree, weighted by their scores.

    One match for each region that has one; None where there is no match.
    """
    if not found:
        return None
    values = np.array([_image_of(match) for match in found])
    weights = np.array([max(match.score, 1.0) for match in found])
    centre = values[np.argmax(weights)]
    near = np.abs(values - centre).max(axis=1) < 3 * REGION_SPREAD
    scale, stretch, shear = np.average(values[near], axis=0, weights=weights[near])
    distortion = np.eye(2) + np.array([[stretch, shear], [shear, -stretch]])
    return ImageScale(float(np.exp(scale)), distortion)


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
        deviation = (image[:, None] - centres) / spread[..., None]
        scale = -np.log(np.pi * spread * (1 + deviation[..., 0] ** 2))
        # Cauchy's distribution in two dimensions.
        squared = (deviation[..., 1:] ** 2).sum(axis=-1)
        shape = -np.log(2 * np.pi * spread**2) - 1.5 * np.log1p(squared)
        single.append(free[:, None] + scale + shape)
    best = [
        table.max(axis=0, initial=minimum) for table, minimum in zip(single, unknown, strict=True)
    ]
    return _log_prior(centres, np.zeros(len(centres)), prior) + sum(best), best, single


def score_jointly(
    found: list[list[Match]], unknown: np.ndarray, prior: ScalePrior
) -> list[list[Match]]:
    """Score every match together with the best that it leaves for the other regions.

    A scale that only one region asks for costs it what the others lose. ``unknown`` is the
    logarithm of the evidence of each region for none of the candidates, which no common value
    binds, and ``prior`` the distribution of ln(scale) behind the scores.
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
